import type { Collation } from "../bson/collation.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { Collection } from "../engine/collection.ts";
import type { DocumentRecord, ReadView } from "../engine/document-record.ts";
import { LazyDocument } from "../engine/lazy-document.ts";
import { type SourceTest, sourceTest } from "../engine/source-test.ts";
import type { Scope } from "../expression/scope.ts";
import { compileSort, type Sorter, type SortKey } from "../fields/sort.ts";
import { sortPaced } from "../fields/sort-paced.ts";
import type { Pace } from "../pacing/pace.ts";
import { compileMatch } from "../query/match.ts";
import type { Matcher } from "../query/matcher.ts";
import type { KeyRange } from "./key-range.ts";
import { type Plan, planQuery } from "./plan.ts";
import { isSimple } from "./predicates.ts";
import { Scan } from "./scan.ts";

export interface QuerySpec {
  readonly filter: BsonDocument;
  readonly sort?: BsonDocument;
  readonly hint?: BsonValue | undefined;
  /** Restricts the scan of the hinted index to an interval. */
  readonly keyRange?: KeyRange | undefined;
  readonly collation?: Collation | undefined;
  readonly scope?: Scope | undefined;
}

/**
 * A query with its filter and sort checked and compiled, which happens before the collection is looked up.
 */
export interface CompiledQuery {
  readonly spec: QuerySpec;
  readonly match: Matcher;
  /** null for natural order or no sort. */
  readonly sort: Sorter | null;
}

export function compileQuery(spec: QuerySpec): CompiledQuery {
  const { filter, sort, collation, scope } = spec;
  const isOrdered = sort !== undefined && sort.size > 0 && !sort.has("$natural");
  return {
    spec,
    match:
      collation === undefined && namesOneId(filter)
        ? matchingLater(filter)
        : compileMatch(filter, { collation, scope }),
    sort: isOrdered ? compileSort(sort, collation) : null,
  };
}

/** A filter with only a simple `_id`, as in most writes, is always valid, and its plan is exact. */
const namesOneId = (filter: BsonDocument): boolean => {
  const id = filter.size === 1 ? filter.get("_id") : undefined;
  return id !== undefined && isSimple(id);
};

function matchingLater(filter: BsonDocument): Matcher {
  let match: Matcher | null = null;
  return (document) => {
    match ??= compileMatch(filter);
    return match(document);
  };
}

export interface Row {
  readonly record: DocumentRecord;
  readonly source: LazyDocument;
}

interface SortableRow extends Row {
  readonly key: SortKey;
}

export interface Window {
  readonly skip?: number;
  readonly limit?: number;
}

const NO_TEST: SourceTest = () => true;

/** Iterates over the results of a query, in its order. */
export class Rows {
  readonly plan: Plan;
  readonly scan: Scan;
  readonly #sort: Sorter | null;
  #skip: number;
  #left: number;
  #sorted: Row[] | null = null;
  #taken = 0;

  constructor(
    collection: Collection,
    { spec, match, sort }: CompiledQuery,
    { view, skip = 0, limit = Number.POSITIVE_INFINITY }: Window & { view: () => ReadView },
  ) {
    this.plan = planQuery(collection, {
      filter: spec.filter,
      sort: spec.sort ?? NO_SORT,
      limit: skip + limit,
      hint: spec.hint,
      keyRange: spec.keyRange,
      collation: spec.collation,
    });
    countAccess(this.plan);
    this.scan = new Scan(collection, this.plan, {
      view,
      match: this.plan.isExact ? NO_TEST : sourceTest(spec.filter, spec, match),
    });
    this.#sort = this.plan.isSorted ? null : sort;
    this.#skip = skip;
    this.#left = limit;
  }

  /** True once the limit is reached. */
  get isDone(): boolean {
    return this.#left <= 0;
  }

  next(slice: Pace): Row | null | Promise<Row | null> {
    if (this.#left <= 0) return null;
    if (this.#sort !== null) return this.#nextSorted(slice);
    for (;;) {
      if (slice.isOver()) return this.#pauseAndGoOn(slice);
      const step = this.scan.step();
      if (step === "end") return null;
      if (step === "found") {
        if (this.#skip === 0) {
          this.#left -= 1;
          return { record: this.scan.record, source: this.scan.source };
        }
        this.#skip -= 1;
      }
    }
  }

  async #pauseAndGoOn(slice: Pace): Promise<Row | null> {
    await slice.pause();
    return this.next(slice);
  }

  #nextSorted(slice: Pace): Row | null | Promise<Row | null> {
    if (this.#sorted === null) return this.#fillSorted(slice);
    const row = this.#sorted[this.#taken];
    if (row === undefined) return null;
    // Returned rows are released, since a cursor may stay open for a long time.
    this.#sorted[this.#taken++] = undefined as unknown as Row;
    this.#left -= 1;
    return row;
  }

  async #fillSorted(slice: Pace): Promise<Row | null> {
    const sort = this.#sort!;
    const compare = (a: SortableRow, b: SortableRow) => sort.compare(a.key, b.key);
    const most = Math.max(MIN_CUT_ROWS, this.#skip + this.#left);
    let rows: SortableRow[] = [];
    for (let step = this.scan.step(); step !== "end"; step = this.scan.step()) {
      if (step === "found") {
        const { record, source } = this.scan;
        // Keeps the bytes only: decoded documents take several times the memory.
        rows.push({ record, source: new LazyDocument(source.bytes), key: sort.keyOf(source.document) });
      }
      if (rows.length >= most * 2) rows = (await sortPaced(rows, compare, slice)).slice(0, most);
      if (slice.isOver()) await slice.pause();
    }
    const ordered = await sortPaced(rows, compare, slice);
    this.#sorted = ordered.slice(this.#skip, this.#skip + this.#left);
    return this.#nextSorted(slice) as Row | null;
  }
}

function countAccess({ index, branches }: Plan): void {
  if (index !== null) index.accesses.ops += 1;
  for (const branch of branches) countAccess(branch);
}

/**
 * Rows beyond the limit are dropped each time their number reaches the limit, but not below this number of rows.
 */
const MIN_CUT_ROWS = 1_000;
const NO_SORT: BsonDocument = new Map();
