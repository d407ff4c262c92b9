import { aggregateCommands } from "./aggregate.ts";
import { collModCommands } from "./coll-mod.ts";
import { collectionCommands } from "./collections.ts";
import type { CommandTable } from "./context.ts";
import { countCommands } from "./count.ts";
import { currentOpCommands } from "./current-op.ts";
import { cursorCommands } from "./cursors.ts";
import { diagnosticCommands } from "./diagnostics.ts";
import { explainCommands } from "./explain.ts";
import { findCommands } from "./find.ts";
import { findAndModifyCommands } from "./find-and-modify.ts";
import { fsyncCommands } from "./fsync.ts";
import { helloCommands } from "./hello.ts";
import { indexCommands } from "./indexes.ts";
import { listingCommands } from "./listing.ts";
import { parameterCommands } from "./parameters.ts";
import { profilerCommands } from "./profiler.ts";
import { serverStatusCommands } from "./server-status.ts";
import { transactionCommands } from "./transactions.ts";
import { writeCommands } from "./writes.ts";

/** Every command that the server carries out, by name. */
export const commandTable: CommandTable = {
  ...helloCommands,
  ...findCommands,
  ...cursorCommands,
  ...countCommands,
  ...writeCommands,
  ...findAndModifyCommands,
  ...aggregateCommands,
  ...explainCommands,
  ...transactionCommands,
  ...collectionCommands,
  ...listingCommands,
  ...indexCommands,
  ...collModCommands,
  ...diagnosticCommands,
  ...parameterCommands,
  ...profilerCommands,
  ...serverStatusCommands,
  ...currentOpCommands,
  ...fsyncCommands,
};
