import type { BsonDocument } from "../bson/values.ts";
import type { Collection } from "../engine/collection.ts";
import { type DocumentRecord, type ReadView, visibleBytes } from "../engine/document-record.ts";
import { EntryCursor } from "../engine/entry-cursor.ts";
import { LazyDocument } from "../engine/lazy-document.ts";
import type { Plan } from "./plan.ts";

export type Matcher = (document: BsonDocument) => boolean;

/** One step of a scan: it found a document, looked at one that is none, or has come to the end. */
export type ScanStep = "found" | "passed" | "end";

/**
 * Carries out a plan one candidate at a time, so that the caller can pause between any two.
 *
 * An index only narrows the search: each hit is checked against the version that the view sees.
 */
export class Scan {
  record!: DocumentRecord;
  source!: LazyDocument;
  /** Candidates looked at so far. */
  examined = 0;
  readonly #view: () => ReadView;
  readonly #plan: Plan;
  readonly #match: Matcher | null;
  readonly #candidates: Candidates;
  readonly #seen: Set<DocumentRecord> | null;

  /** @param view asked again at each step, so that a cursor can see more with each batch */
  constructor(collection: Collection, plan: Plan, { view, match }: { view: () => ReadView; match: Matcher }) {
    this.#view = view;
    this.#plan = plan;
    this.#match = plan.isExact ? null : match;
    this.#candidates =
      plan.index === null ? new NaturalCandidates(collection, plan) : new IndexCandidates(plan);
    this.#seen = plan.index?.isMultikey ? new Set() : null;
  }

  step(): ScanStep {
    const record = this.#candidates.next();
    if (record === null) return "end";
    this.examined += 1;
    const bytes = visibleBytes(record, this.#view());
    if (bytes === null) return "passed";
    const source = new LazyDocument(bytes);
    const { index } = this.#plan;
    if (index !== null && !record.isSettled && !index.holds(this.#candidates.key, source)) return "passed";
    if (this.#seen !== null) {
      if (this.#seen.has(record)) return "passed";
      this.#seen.add(record);
    }
    if (this.#match !== null && !this.#match(source.document)) return "passed";
    this.record = record;
    this.source = source;
    return "found";
  }
}

interface Candidates {
  /** The index key of the candidate that was given last. */
  readonly key: string;
  next(): DocumentRecord | null;
}

class NaturalCandidates implements Candidates {
  readonly key = "";
  readonly #records: Iterator<DocumentRecord>;

  constructor({ records }: Collection, { isBackwards }: Plan) {
    this.#records = isBackwards ? [...records].reverse().values() : records.values();
  }

  next(): DocumentRecord | null {
    const { done, value } = this.#records.next();
    return done ? null : value;
  }
}

class IndexCandidates implements Candidates {
  readonly #plan: Plan;
  #cursor: EntryCursor | null = null;
  #taken = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  get key(): string {
    return this.#cursor!.key;
  }

  next(): DocumentRecord | null {
    for (;;) {
      if (this.#cursor?.next()) return this.#cursor.record;
      const { index, intervals, isBackwards } = this.#plan;
      if (this.#taken === intervals.length) return null;
      const interval = intervals[isBackwards ? intervals.length - 1 - this.#taken : this.#taken]!;
      this.#taken += 1;
      this.#cursor = new EntryCursor(index!.entries, interval, isBackwards);
    }
  }
}
