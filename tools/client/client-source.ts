import type { JsonSchema } from "../../shared/contracts/json-schema.ts";
import { docComment, indented, objectType, typeOf } from "./schema-type.ts";

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
}

/** What the client is made from. */
export interface ClientDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/**
 * Returns the source of a TypeScript client: a type for each schema and operation of an OpenAPI document, and one function
 * that sends requests with `fetch`. It imports nothing.
 */
export function clientSource({ info, paths, components }: ClientDocument): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `export interface ${name} ${objectType(schema)}\n`,
  );
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      operationMember(`${method.toUpperCase()} ${path}`, operation),
    ),
  );
  const sources = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { requestBody }]) =>
        `${JSON.stringify(`${method.toUpperCase()} ${path}`)}: ${JSON.stringify(sourceOf(requestBody))},`,
    ),
  );
  return `// Made from the OpenAPI document of ${info.title} ${info.version} by: npm run kinit -- client

${schemas.join("\n")}
/** Input and response of each operation. */
export interface Operations {
${indented(operations.join("\n"))}
}

/** Where each operation takes its input from. */
const inputs: Readonly<Record<keyof Operations, "query" | "json" | "form">> = {
${indented(sources.join("\n"))}
};
${RUNTIME}`;
}

function sourceOf(requestBody: Operation["requestBody"]): "query" | "json" | "form" {
  if (!requestBody) return "query";
  return "application/json" in requestBody.content ? "json" : "form";
}

function operationMember(alias: string, operation: Operation): string {
  const [success] = (contentOf(operation.responses["200"]).anyOf ?? []) as readonly JsonSchema[];
  const members = [`input: ${inputType(operation)};`, `response: ${typeOf(success ?? {})};`];
  return `${docComment(operation.summary)}\n${JSON.stringify(alias)}: {\n${indented(members.join("\n"))}\n};`;
}

function inputType({ parameters = [], requestBody }: Operation): string {
  if (requestBody) return sourceOf(requestBody) === "form" ? "FormData" : typeOf(contentOf(requestBody));
  const properties = parameters.map(({ name, schema, description }) => [name, { ...schema, description }]);
  const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name);
  return objectType({ properties: Object.fromEntries(properties), required });
}

function contentOf(
  body: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> } | undefined,
): JsonSchema {
  return Object.values(body?.content ?? {})[0]?.schema ?? {};
}

const RUNTIME = `
export interface ClientOptions {
  /** Such as http://127.0.0.1:9000. */
  readonly baseUrl: string;
  /** An access token or an API token. */
  readonly token?: string;
  /** The language of texts. */
  readonly language?: "zh" | "en";
  /** A request fails after this; 30 seconds by default. */
  readonly timeoutMs?: number;
}

/** A response other than success. */
export class KinitError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The code in the body. */
  readonly code: number;
  readonly errors: readonly FieldError[];
  constructor(status: number, body: Partial<Failure>) {
    super(body.message ?? \`HTTP \${status}\`);
    this.name = "KinitError";
    this.status = status;
    this.code = body.code ?? status;
    this.errors = body.errors ?? [];
  }
}

type Arguments<I> = Record<string, never> extends I ? [input?: I] : [input: I];
export type Client = <O extends keyof Operations>(
  operation: O,
  ...input: Arguments<Operations[O]["input"]>
) => Promise<Operations[O]["response"]>;

/** Returns a function that sends one operation and resolves to the body of its success; rejects with \`KinitError\`. */
export function kinitClient({ baseUrl, token, language = "en", timeoutMs = 30_000 }: ClientOptions): Client {
  return async (operation, ...[input = {}]) => {
    const [method = "", path = ""] = operation.split(" ");
    const url = new URL(path, baseUrl);
    const headers = new Headers({ "accept-language": language });
    if (token !== undefined) headers.set("authorization", \`Bearer \${token}\`);
    const source = inputs[operation];
    let body: string | FormData | undefined;
    if (source === "query") {
      for (const [name, value] of Object.entries(input)) {
        if (value !== undefined) url.searchParams.set(name, String(value));
      }
    } else if (source === "json") {
      headers.set("content-type", "application/json");
      body = JSON.stringify(input);
    } else body = input as FormData;
    const response = await fetch(url, { method, headers, body: body ?? null, signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    const content = text.startsWith("{") ? JSON.parse(text) : {};
    if (!response.ok || content.code !== 200) throw new KinitError(response.status, content);
    return content;
  };
}
`;
