import type { JsonSchema } from "../../shared/contracts/json-schema.ts";
import { anyValue, Choices, valueFor } from "./fuzz-input.ts";

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly schema: JsonSchema }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        {
          readonly schema: JsonSchema;
          readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
        }
      >
    >;
  };
}
export interface FuzzDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** One generated request. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Generates requests for the operations of a document; the same seed repeats them. */
export function fuzzRequests(document: FuzzDocument, seed: number): () => FuzzRequest {
  const choices = new Choices(seed);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return () => {
    const { path, method, operation } = choices.of(operations);
    return { path, method, query: queryFor(operation, choices), ...bodyFor(operation, choices) };
  };
}

function queryFor({ parameters = [] }: Operation, choices: Choices): string {
  const values = new URLSearchParams();
  for (const { name, schema } of parameters) {
    if (!choices.percent(75)) continue;
    const value = valueFor(schema, choices);
    values.append(name, typeof value === "string" ? value.slice(0, 4000) : JSON.stringify(value));
  }
  return values.size === 0 ? "" : `?${values}`;
}

function bodyFor(
  { requestBody }: Operation,
  choices: Choices,
): { readonly headers: Readonly<Record<string, string>>; readonly body: string | undefined } {
  if (!requestBody) return { headers: {}, body: undefined };
  const [[contentType = "", content] = []] = Object.entries(requestBody.content);
  const headers = { "content-type": choices.percent(5) ? "text/plain" : contentType };
  const examples = Object.values(content?.examples ?? {})
    .map(({ value }) => value)
    .filter((value) => !JSON.stringify(value).includes("http.request"));
  const example = examples.length > 0 ? choices.of(examples) : {};
  const value = choices.percent(40) ? changed(example, choices) : valueFor(content?.schema ?? {}, choices);
  const text = JSON.stringify(value) ?? "";
  if (choices.percent(4)) return { headers, body: text.slice(0, choices.below(text.length + 1)) };
  if (choices.percent(2)) return { headers, body: "[".repeat(20_000) };
  return { headers, body: text };
}

/** An example with one member of it, at any depth, replaced by any value. */
function changed(example: unknown, choices: Choices): unknown {
  if (typeof example !== "object" || example === null || choices.percent(20)) return anyValue(choices);
  const names = Object.keys(example);
  if (names.length === 0) return anyValue(choices);
  const name = choices.of(names);
  const inner = changed((example as Record<string, unknown>)[name], choices);
  return Array.isArray(example) ? example.with(Number(name), inner) : { ...example, [name]: inner };
}
