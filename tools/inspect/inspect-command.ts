import type { Config } from "../../shared/config.ts";
import { printsHelp, readOptions } from "../command-line.ts";
import type { Inspection } from "./inspection.ts";
import { limitOf, render, usageOf } from "./inspections.ts";

interface Terminal {
  readonly loadConfig: () => Config;
  readonly print: (line: string) => void;
}

/**
 * `kinit due`, `kinit stream <id>` and so on: reads the store of a running platform, or a data directory.
 *
 * @throws AppError `USAGE`; as `reachStore`; and what the inspection throws
 */
export async function inspectCommand(
  inspection: Inspection,
  words: readonly string[],
  { loadConfig, print }: Terminal,
): Promise<void> {
  const usage = fullUsage(inspection);
  if (printsHelp(words, usage)) return;
  const {
    id = "",
    limit,
    json = false,
  } = readOptions(words, {
    operands: inspection.takesId ? ["id"] : [],
    texts: inspection.defaultLimit === null ? [] : ["limit"],
    flags: ["json"],
    usage,
  });
  const request = { id, limit: limitOf(limit, inspection), now: Date.now() };
  const { withDatabase } = await import("../reach-store.ts");
  const inspected = await withDatabase(loadConfig(), (db) => inspection.inspect(db, request));
  print(render(inspected, { json }));
}

function fullUsage(inspection: Inspection): string {
  const { name, summary, defaultLimit } = inspection;
  return [
    `Usage: npm run kinit -- ${name} ${usageOf(inspection)}`,
    `  ${summary}`,
    ...(defaultLimit === null ? [] : [`  --limit N  rows to show, ${defaultLimit} by default; 0: all`]),
    "  --json     one JSON document instead of text",
    "",
    "Reads the server of MONGO_DB_URL; if that is not set, the data of DATA_DIR, whether npm start is running on it",
    "or not. Changes nothing. Times are UTC.",
  ].join("\n");
}
