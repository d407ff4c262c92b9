import packageFile from "../../../package.json" with { type: "json" };
import { type JsonSchema, objectSchema } from "../../../shared/contracts/json-schema.ts";
import { describeRoute, type Method, type Route } from "../endpoints/route.ts";
import { documentTexts as texts } from "../texts/document-texts.ts";
import type { Language } from "../texts/language.ts";
import { withDescriptions } from "./descriptions.ts";
import { envelopeSchemas } from "./envelopes.ts";
import { operation } from "./operation.ts";

type Json = Readonly<Record<string, unknown>>;

export interface DocumentForm {
  readonly language: Language;
  /** Requests need a login or a token. */
  readonly isSecured: boolean;
}

/**
 * Returns the OpenAPI 3.1 document of these routes, at each of their paths in both revisions of the Python original. Tags,
 * paths and schemas are in the order of the routes.
 */
export function openApiDocument(routes: readonly Route[], { language, isSecured }: DocumentForm): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "KINIT FAST TASK",
      description: texts.description[language],
      version: packageFile.version,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: tagsOf(routes, language),
    paths: pathsOf(routes, { language, isSecured }),
    components: {
      schemas: schemasOf(routes, language),
      ...(isSecured && {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: texts.bearer[language] },
        },
      }),
    },
  };
}

function tagsOf(routes: readonly Route[], language: Language): readonly Json[] {
  const names = routes.flatMap((route) => describeRoute(route).tags.map((tag) => tag[language]));
  return [...new Set(names)].map((name) => ({ name }));
}

function pathsOf(routes: readonly Route[], form: DocumentForm): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    for (const [revision, alias] of Object.entries(route.paths)) {
      const [method, path] = alias.split(" ") as [Method, string];
      const name =
        revision === "R1" ? (route.nameInR1 ?? describeRoute(route).name) : describeRoute(route).name;
      const methods = paths[path] ?? {};
      methods[method.toLowerCase()] ??= operation(route, { method, path, name, ...form });
      paths[path] = methods;
    }
  }
  return paths;
}

function schemasOf(routes: readonly Route[], language: Language): Json {
  const schemas: Record<string, JsonSchema> = { ...envelopeSchemas };
  for (const { endpoint } of routes) {
    const { shape } = endpoint.output;
    if (shape) schemas[shape.name] = objectSchema(shape.fields);
  }
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, withDescriptions(schema, language)]),
  );
}
