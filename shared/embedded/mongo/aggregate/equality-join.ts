import { type BsonDocument, BsonUndefined, type BsonValue, documentOf, Regex } from "../bson/values.ts";
import type { JoinedCollection, Namespace, PipelineEnvironment } from "./environment.ts";
import { chunked, filtering, gather } from "./flow.ts";
import { ForeignIndex } from "./foreign-index.ts";

/** One search in an index costs about as much as reading and hashing this many documents. */
const PROBE_COST = 4;

export interface JoinOptions {
  readonly from: Partial<Namespace>;
  readonly field: string;
  /** Documents that this rejects are not joined. */
  readonly accepts?: (doc: BsonDocument) => boolean;
}

/**
 * Finds documents of another collection by the values of one field.
 *
 * Uses an index on the field, if there is one, for each search. Without one, or once the searches have cost as much
 * as reading the whole collection, reads the collection once and hashes it by the field.
 */
export class EqualityJoin {
  readonly #options: JoinOptions;
  readonly #env: PipelineEnvironment;
  readonly #joined: JoinedCollection | undefined;
  #hashed: ForeignIndex | null = null;
  #spent = 0;

  constructor(options: JoinOptions, env: PipelineEnvironment) {
    this.#options = options;
    this.#env = env;
    const { collection, db } = options.from;
    this.#joined = collection === undefined ? undefined : env.joinedCollection?.(collection, db);
  }

  /** Returns the distinct documents that have one of the values, in the order of the collection. */
  async find(values: readonly BsonValue[]): Promise<BsonDocument[]> {
    if (this.#hashed === null) {
      const probed = await this.#probe(values);
      if (probed !== null) return probed;
    }
    this.#hashed ??= await this.#hash();
    return this.#hashed.find(values);
  }

  async #probe(values: readonly BsonValue[]): Promise<BsonDocument[] | null> {
    const joined = this.#joined;
    if (joined === undefined || this.#spent > joined.size || !values.every(isSearchable)) return null;
    const { field, accepts } = this.#options;
    const $in = values.map((value) => (value instanceof BsonUndefined ? null : value));
    const found = await joined.find(documentOf({ [field]: documentOf({ $in }) }));
    if (found === null) return null;
    this.#spent += PROBE_COST * values.length + found.length;
    return accepts === undefined ? found : found.filter(accepts);
  }

  async #hash(): Promise<ForeignIndex> {
    const { from, field, accepts } = this.#options;
    const env = this.#env;
    const all = from.collection === undefined ? [] : env.readCollection(from.collection, from.db);
    const docs = chunked(all, env.pace);
    return ForeignIndex.of(await gather(accepts ? filtering(accepts, env.pace)(docs) : docs), field, env);
  }
}

/**
 * Values that a filter compares as a join does. In a filter, a regular expression is a pattern and an array also
 * matches its elements.
 */
const isSearchable = (value: BsonValue): boolean => !Array.isArray(value) && !(value instanceof Regex);
