import type { Collection } from "../engine/collection.ts";
import type { CollectionIndex } from "../engine/collection-index.ts";
import type { Write } from "../engine/document-record.ts";
import { type DocumentRecord, type ReadView, visibleBytes } from "../engine/document-record.ts";
import { EntryCursor } from "../engine/entry-cursor.ts";
import { LazyDocument } from "../engine/lazy-document.ts";
import type { SourceTest } from "../engine/source-test.ts";
import type { Plan } from "./plan.ts";

/** The result of one step of a scan: a match, no match, or the end. */
export type ScanStep = "found" | "passed" | "end";

/**
 * Executes a plan one candidate at a time, so that the caller can pause in between.
 *
 * Candidates from an index are checked against the version that the view sees.
 */
export class Scan {
  record!: DocumentRecord;
  source!: LazyDocument;
  /** Number of candidates examined so far. */
  examined = 0;
  readonly #view: () => ReadView;
  readonly #match: SourceTest | null;
  readonly #candidates: Candidates;
  readonly #seen: Set<DocumentRecord> | null;

  /** @param view called at each step, so that a cursor can use a newer view for each batch */
  constructor(
    collection: Collection,
    plan: Plan,
    { view, match }: { view: () => ReadView; match: SourceTest },
  ) {
    this.#view = view;
    this.#match = plan.isExact ? null : match;
    this.#candidates = candidatesOf(collection, plan);
    this.#seen = plan.index?.isMultikey || plan.branches.length > 0 ? new Set() : null;
  }

  step(): ScanStep {
    const record = this.#candidates.next();
    if (record === null) return "end";
    this.examined += 1;
    const bytes = visibleBytes(record, this.#view());
    if (bytes === null) return "passed";
    const source = new LazyDocument(bytes);
    const { index, key } = this.#candidates;
    if (index !== null && !record.hasOneVersion) {
      if (record.pending?.bytes === bytes && isDropped(record.pending, index, key)) return "passed";
      if (!index.holds(key, source)) return "passed";
    }
    if (this.#seen !== null) {
      if (this.#seen.has(record)) return "passed";
      this.#seen.add(record);
    }
    if (this.#match !== null && !this.#match(source)) return "passed";
    this.record = record;
    this.source = source;
    return "found";
  }
}

/**
 * Avoids reading the document: while several commits to a record are not installed, an index has an entry of each.
 */
const isDropped = ({ dropped }: Write, index: CollectionIndex, key: string): boolean =>
  dropped?.some((keys) => keys.index === index && keys.keys.includes(key)) === true;

interface Candidates {
  /** The index and the key of the last candidate. */
  readonly index: CollectionIndex | null;
  readonly key: string;
  next(): DocumentRecord | null;
}

function candidatesOf(collection: Collection, plan: Plan): Candidates {
  if (plan.branches.length > 0) return new BranchCandidates(plan.branches);
  return plan.index === null ? new NaturalCandidates(collection, plan) : new IndexCandidates(plan);
}

class NaturalCandidates implements Candidates {
  readonly index = null;
  readonly key = "";
  readonly #records: Iterator<DocumentRecord>;

  constructor({ records }: Collection, { isBackwards }: Plan) {
    this.#records = isBackwards ? records.backwards() : records[Symbol.iterator]();
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

  get index(): CollectionIndex {
    return this.#plan.index!;
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

/** Returns the candidates of one branch after the other. */
class BranchCandidates implements Candidates {
  readonly #waiting: Plan[];
  #current: IndexCandidates;

  constructor(branches: readonly Plan[]) {
    const [first, ...waiting] = branches;
    this.#current = new IndexCandidates(first!);
    this.#waiting = waiting;
  }

  get index(): CollectionIndex {
    return this.#current.index;
  }

  get key(): string {
    return this.#current.key;
  }

  next(): DocumentRecord | null {
    for (;;) {
      const record = this.#current.next();
      if (record !== null) return record;
      const next = this.#waiting.shift();
      if (next === undefined) return null;
      this.#current = new IndexCandidates(next);
    }
  }
}
