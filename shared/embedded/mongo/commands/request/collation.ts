import { type Collation, compileCollation, isSameCollation } from "../../bson/collation.ts";
import { CommandFault } from "../../bson/fault.ts";
import type { Arguments } from "./arguments.ts";
import type { CommandContext } from "./context.ts";

/**
 * Returns the collation of a command or statement: its own, else that of the collection or view.
 *
 * @throws CommandFault 167 for another collation than that of a view, and those of {@link compileCollation}
 */
export function collationOf(
  { server, database, transaction }: CommandContext,
  name: string | null,
  args: Arguments,
): Collation | undefined {
  const given = args.document("collation");
  const target = name === null ? undefined : server.engine.catalog.find(database, name, transaction);
  if (given.size === 0) return target?.collation;
  const collation = compileCollation(given);
  if (target?.view != null && !isSameCollation(collation, target.collation))
    throw new CommandFault(167, "Cannot override a view's default collation");
  return collation;
}
