import type { Collation } from "../bson/collation.ts";
import { BsonDate, type BsonValue } from "../bson/values.ts";

/** A compiled expression: the value for one document, or undefined where it is missing. */
export type Expression = (root: BsonDocumentRoot) => BsonValue | undefined;
/** The value of `$$ROOT`: a document, except while constants are computed. */
export type BsonDocumentRoot = ReadonlyMap<string, BsonValue>;

/** The cell of one variable. Evaluation is synchronous and never re-entered, so a cell holds the current value. */
export interface Variable {
  value: BsonValue | undefined;
}

/** The variables that an expression may use, the instant of `$$NOW` and the collation. */
export class Scope {
  readonly now: BsonDate;
  readonly strings: Collation | undefined;
  readonly #parent: Scope | undefined;
  readonly #own = new Map<string, Variable>();

  constructor(context: { now?: BsonDate; strings?: Collation } = {}, parent?: Scope) {
    this.now = context.now ?? parent?.now ?? new BsonDate(Date.now());
    this.strings = context.strings ?? parent?.strings;
    this.#parent = parent;
  }

  /** Creates a scope inside this one. */
  inner(): Scope {
    return new Scope({}, this);
  }

  declare(name: string, value?: BsonValue): Variable {
    const variable: Variable = { value };
    this.#own.set(name, variable);
    return variable;
  }

  find(name: string): Variable | undefined {
    return this.#own.get(name) ?? this.#parent?.find(name);
  }
}
