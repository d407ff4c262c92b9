import type { JsonSchema } from "../../../shared/contracts/json-schema.ts";
import type { Endpoint } from "../endpoints/endpoint.ts";
import { type Access, describeRoute, type Method, type Route } from "../endpoints/route.ts";
import { documentTexts as texts } from "../texts/document-texts.ts";
import type { Language, Text } from "../texts/language.ts";
import { fieldSchema, fieldsSchema } from "../wire/wire-validation.ts";
import { described, withDescriptions } from "./descriptions.ts";
import { successSchema } from "./envelopes.ts";
import { responseExamples } from "./response-examples.ts";

type Json = Readonly<Record<string, unknown>>;

/** Where and in which language an operation is documented. */
interface OperationPath {
  readonly method: Method;
  readonly path: string;
  readonly name: string;
  readonly language: Language;
  readonly isSecured: boolean;
}

/** Returns the operation of a route at one of its paths. */
export function operation(route: Route, at: OperationPath): Json {
  const { language, isSecured } = at;
  const isProtected = isSecured && route.access !== "public";
  const { summary, tags } = describeRoute(route);
  return {
    tags: tags.map((tag) => tag[language]),
    summary: summary[language],
    operationId: operationId(at),
    ...(isSecured && securityOf(route.access)),
    ...inputOf(route.endpoint, language),
    responses: {
      ...responsesOf(route.endpoint, language),
      ...(isProtected && { 401: failing(texts.unauthorized, language) }),
    },
  };
}

/** FastAPI's form: name, path and method, with everything but letters and digits as `_`. */
function operationId({ name, path, method }: OperationPath): string {
  return `${`${name}${path}`.replaceAll(/\W/g, "_")}_${method.toLowerCase()}`;
}

/** Who may call it; the permission is an extension, since OpenAPI has scopes for OAuth 2 only. */
function securityOf(access: Access): Json {
  if (access === "public") return { security: [] };
  return { security: [{ bearer: [] }], ...(access !== "logged in" && { "x-permission": access }) };
}

function inputOf({ input }: Endpoint, language: Language): Json {
  switch (input.source) {
    case "none":
      return {};
    case "query":
      return { parameters: Object.entries(input.fields).map((field) => parameter(field, language)) };
    case "file":
      return {
        requestBody: {
          required: true,
          content: {
            "multipart/form-data": { schema: withDescriptions(fieldsSchema(input.fields), language) },
          },
        },
      };
    case "body":
      return {
        requestBody: {
          required: true,
          content: json(bodySchema(input, language), {
            examples: inputExamples(input.examples ?? [], language),
          }),
        },
      };
  }
}

function bodySchema({ fields, isWhole }: Endpoint["input"], language: Language): JsonSchema {
  const [only] = Object.entries(fields);
  if (!isWhole || !only) return withDescriptions(fieldsSchema(fields), language);
  const [name, field] = only;
  return { ...withDescriptions(fieldSchema(field), language), ...described(name, language) };
}

function parameter([name, field]: [string, Endpoint["input"]["fields"][string]], language: Language): Json {
  return {
    name,
    in: "query",
    required: field.absent === undefined,
    ...described(name, language),
    schema: fieldSchema(field),
  };
}

function inputExamples(examples: NonNullable<Endpoint["input"]["examples"]>, language: Language): Json {
  return Object.fromEntries(
    examples.map(({ summary, value }, index) => [
      `example${index + 1}`,
      { summary: summary[language], value },
    ]),
  );
}

function responsesOf(endpoint: Endpoint, language: Language): Json {
  const { input, output } = endpoint;
  const success = withDescriptions(successSchema(output), language);
  return {
    200: {
      description: texts.ok[language],
      content: json({ anyOf: [success, ref("Failure")] }, { examples: responseExamples(endpoint, language) }),
    },
    403: failing(texts.forbidden, language),
    ...(input.source === "body" && {
      413: failing(texts.tooLarge, language),
      415: failing(texts.notJson, language),
    }),
    500: failing(texts.unexpected, language),
    503: failing(texts.unavailable, language),
    default: failing(texts.otherError, language),
  };
}

const failing = (text: Text, language: Language): Json => ({
  description: text[language],
  content: json(ref("HttpError")),
});

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

function json(schema: JsonSchema, { examples = {} }: { readonly examples?: Json } = {}): Json {
  const shown = Object.keys(examples).length > 0 ? { examples } : {};
  return { "application/json": { schema, ...shown } };
}
