import { CommandFault } from "../../bson/fault.ts";
import { typeNameOf } from "../../bson/type-names.ts";
import type { Arguments } from "../request/arguments.ts";
import type { CommandDefinition } from "../request/context.ts";

const invalid = (reason: string): CommandFault => new CommandFault(72, reason);

/** The options of a command that concern its transaction or retryable write. */
export interface SessionOptions {
  readonly number: bigint;
  readonly inTransaction: boolean;
  readonly startsTransaction: boolean;
}

/**
 * Reads `txnNumber`, `autocommit` and `startTransaction`. Returns null if the command has no number.
 *
 * @throws CommandFault 72, 14, 50768 for options that contradict each other or the command
 */
export function sessionOptions(
  args: Arguments,
  { name, definition }: { name: string; definition: CommandDefinition },
): SessionOptions | null {
  const autocommit = args.value("autocommit");
  const starts = args.value("startTransaction");
  const number = args.value("txnNumber");
  if (number === undefined) {
    if (autocommit !== undefined)
      throw invalid("'autocommit' field requires a transaction number to also be specified");
    if (starts !== undefined)
      throw invalid("'startTransaction' field requires a transaction number to also be specified");
    return null;
  }
  if (args.value("lsid") === undefined)
    throw invalid("Transaction number requires a session ID to also be specified");
  if (typeof number !== "bigint")
    throw new CommandFault(
      14,
      `BSON field '${name}.txnNumber' is the wrong type '${typeNameOf(number)}', expected type 'long'`,
    );
  if (number < 0n) throw invalid("Transaction number cannot be negative");
  if (autocommit === true) throw invalid("Specifying autocommit=true is not allowed.");
  if (starts !== undefined && autocommit === undefined)
    throw invalid("'startTransaction' field requires 'autocommit' field to also be specified");
  if (starts === false) throw invalid("Specifying startTransaction=false is not allowed.");
  const inTransaction = autocommit === false;
  if (!inTransaction && !definition.isRetryable && !definition.inTransactionOnly) {
    throw new CommandFault(
      50768,
      `txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was not provided, and ${name} is not a retryable write command.`,
    );
  }
  return { number, inTransaction, startsTransaction: starts === true };
}

/** @throws CommandFault 263 for a command or a database that is not allowed in a transaction */
export function requireInTransaction(
  name: string,
  { definition, database }: { definition: CommandDefinition; database: string },
): void {
  if (!definition.inTransaction)
    throw new CommandFault(263, `Cannot run '${name}' in a multi-document transaction.`);
  if (!definition.inTransactionOnly && ["admin", "config", "local"].includes(database))
    throw new CommandFault(263, `Cannot run command against the '${database}' database in a transaction.`);
}
