import { collModCommands } from "./catalog/coll-mod.ts";
import { collectionCommands } from "./catalog/collections.ts";
import { indexCommands } from "./catalog/indexes.ts";
import { listingCommands } from "./catalog/listing.ts";
import { currentOpCommands } from "./diagnostics/current-op.ts";
import { diagnosticCommands } from "./diagnostics/diagnostics.ts";
import { fsyncCommands } from "./diagnostics/fsync.ts";
import { helloCommands } from "./diagnostics/hello.ts";
import { parameterCommands } from "./diagnostics/parameters.ts";
import { profileCommands } from "./diagnostics/profile.ts";
import { serverStatusCommands } from "./diagnostics/server-status.ts";
import { aggregateCommands } from "./read/aggregate.ts";
import { countCommands } from "./read/count.ts";
import { cursorCommands } from "./read/cursors.ts";
import { explainCommands } from "./read/explain.ts";
import { findCommands } from "./read/find.ts";
import type { CommandTable } from "./request/context.ts";
import { transactionCommands } from "./session/transactions.ts";
import { findAndModifyCommands } from "./write/find-and-modify.ts";
import { writeCommands } from "./write/writes.ts";

/** Every command of the server, by name. */
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
  ...profileCommands,
  ...serverStatusCommands,
  ...currentOpCommands,
  ...fsyncCommands,
};
