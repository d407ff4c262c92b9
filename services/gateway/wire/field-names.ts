import { definitionFields } from "./task-fields.ts";

const WIRE_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(definitionFields).map(([field, { wire }]) => [field, wire]),
);

/** The path of a task's field as clients know it: `params.rows[2].title` is `job_params.rows[2].title`. */
export function wireFieldOf(path: string): string {
  const [name = ""] = path.split(/[.[]/, 1);
  return (WIRE_NAMES.get(name) ?? name) + path.slice(name.length);
}
