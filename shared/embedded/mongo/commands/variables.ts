import { compileExpression } from "../aggregate/expression.ts";
import { Scope } from "../aggregate/scope.ts";
import type { Collation } from "../query/collation.ts";
import type { CommandContext } from "./context.ts";

/** The variables of a command's `let`, for `$expr` and update pipelines; undefined where there are none. */
export function scopeOf({ args }: CommandContext, collation: Collation | undefined): Scope | undefined {
  if (args.value("let") === undefined) return undefined;
  const scope = new Scope({ strings: collation });
  for (const [name, value] of args.document("let"))
    scope.declare(name, compileExpression(value, scope)(new Map()));
  return scope;
}
