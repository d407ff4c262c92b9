import type { Method, Route } from "./endpoints/route.ts";
import { json } from "./gateway.fixture.ts";
import { MP4, PNG, WAV } from "./upload-files.fixture.ts";

/** One path of a route, with input that its declaration gives as an example. */
export interface ExampleRequest {
  readonly alias: string;
  readonly path: string;
  readonly method: Method;
  readonly init: RequestInit;
}

/** Requests with the first example of the input, at each path of a route; throws if the declaration has no example. */
export function exampleRequests(route: Route): readonly ExampleRequest[] {
  return [...new Set(Object.values(route.paths))].map((alias) => {
    const [method, path] = alias.split(" ") as [Method, string];
    const { query, init } = exampleInput(route, alias);
    return { alias: `${method} ${path}${query}`, path, method, init };
  });
}

function exampleInput(
  { endpoint: { input } }: Route,
  alias: string,
): { readonly query: string; readonly init: RequestInit } {
  if (input.source === "none") return { query: "", init: {} };
  if (input.source === "body") {
    const [example] = input.examples ?? [];
    if (!example) throw new Error(`${alias} has no example of its body: see fromBody`);
    return { query: "", init: json(example.value) };
  }
  if (input.source === "file") return { query: "", init: { body: fileFor(alias) } };
  const required = Object.entries(input.fields).filter(([, { absent }]) => absent === undefined);
  const values = required.map(([name, { kind }]) => {
    const [value] = (kind.schema.examples ?? kind.schema.enum ?? []) as readonly unknown[];
    if (value === undefined) throw new Error(`${alias}: the kind of ${name} has no example in its schema`);
    return [name, String(value)] as [string, string];
  });
  return { query: `?${new URLSearchParams(values)}`, init: {} };
}

function fileFor(alias: string): FormData {
  const content = /audio/.test(alias) ? WAV : /video/.test(alias) ? MP4 : PNG;
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(content)]), "example");
  return form;
}
