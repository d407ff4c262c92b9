import { AppError } from "../../shared/errors.ts";
import { due } from "./due.ts";
import type { Inspected, Inspection } from "./inspection.ts";
import { lease } from "./lease.ts";
import { outbox } from "./outbox.ts";
import { stream } from "./stream.ts";
import { task } from "./task.ts";

/** Every read-only command, in the order in which help lists them. */
export const inspections: readonly Inspection[] = [due, task, stream, lease, outbox];

export const inspectionNamed = (name: string | undefined): Inspection | undefined =>
  inspections.find((inspection) => inspection.name === name);

/** The words behind a command's name, such as `<id> [--limit N] [--json]`. */
export function usageOf({ takesId, defaultLimit }: Inspection): string {
  return [...(takesId ? ["<id>"] : []), ...(defaultLimit === null ? [] : ["[--limit N]"]), "[--json]"].join(
    " ",
  );
}

/** @throws AppError `USAGE` */
export function limitOf(text: string | number | undefined, { defaultLimit }: Inspection): number {
  const limit = Number(text ?? defaultLimit ?? 0);
  if (Number.isInteger(limit) && limit >= 0) return limit;
  throw new AppError(`--limit must be a whole number from 0, not '${text}'.`, { type: "USAGE" });
}

export const render = ({ json, lines }: Inspected, wanted: { readonly json: boolean }): string =>
  wanted.json ? JSON.stringify(json, null, 2) : lines.join("\n");
