import type { Collation } from "../../bson/collation.ts";
import { commandScope } from "../../expression/expression.ts";
import type { Scope } from "../../expression/scope.ts";
import type { CommandContext } from "./context.ts";

/**
 * Returns the variables of a command's `let`, for `$expr` and update pipelines; undefined if there are none.
 */
export function scopeOf({ args }: CommandContext, collation: Collation | undefined): Scope | undefined {
  if (args.value("let") === undefined) return undefined;
  return commandScope({ letVariables: args.document("let"), strings: collation });
}
