import type { Collation } from "../bson/collation.ts";
import { indexKey } from "../bson/key.ts";
import { type BsonDocument, BsonUndefined, type BsonValue } from "../bson/values.ts";
import { StringClasses } from "../expression/string-classes.ts";
import { keyValuesAt, type Path, parsePath, valueAt } from "../fields/path.ts";
import type { PipelineEnvironment } from "./environment.ts";

/** The documents of a collection, hashed by the values of one field, for joins. */
export class ForeignIndex {
  readonly #byKey = new Map<string, BsonDocument[]>();
  readonly #classes: StringClasses | undefined;
  readonly #position = new Map<BsonDocument, number>();

  private constructor(collation: Collation | undefined) {
    this.#classes = collation && new StringClasses(collation);
  }

  static async of(
    docs: readonly BsonDocument[],
    field: string,
    { collation, pace }: Pick<PipelineEnvironment, "collation" | "pace">,
  ): Promise<ForeignIndex> {
    const index = new ForeignIndex(collation);
    const path = parsePath(field);
    for (const doc of docs) {
      index.#add(doc, path);
      if (pace.isOver()) await pace.pause();
    }
    return index;
  }

  #add(doc: BsonDocument, path: Path): void {
    this.#position.set(doc, this.#position.size);
    const keys = new Set<string>();
    // "undefined" represents an empty array here, which does not equal null.
    for (const value of keyValuesAt(doc, path))
      if (!(value instanceof BsonUndefined)) keys.add(this.#keyOf(value));
    const whole = valueAt(doc, path.parts);
    if (Array.isArray(whole)) keys.add(this.#keyOf(whole));
    for (const key of keys) {
      const known = this.#byKey.get(key);
      if (known) known.push(doc);
      else this.#byKey.set(key, [doc]);
    }
  }

  /** Null, undefined and missing are equal in a join. */
  #keyOf(value: BsonValue): string {
    const known = value instanceof BsonUndefined ? null : value;
    return indexKey([this.#classes ? this.#classes.represent(known) : known], [1]);
  }

  /** Returns the distinct documents that have one of the values, in the order of the collection. */
  find(values: readonly BsonValue[]): BsonDocument[] {
    if (values.length === 1) return this.#byKey.get(this.#keyOf(values[0]!)) ?? [];
    const found = new Set<BsonDocument>();
    for (const value of values) for (const doc of this.#byKey.get(this.#keyOf(value)) ?? []) found.add(doc);
    return [...found].sort((a, b) => this.#position.get(a)! - this.#position.get(b)!);
  }
}
