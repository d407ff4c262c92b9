import type { Collation } from "../bson/collation.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { Scope } from "../expression/scope.ts";
import type { Pace } from "../pacing/pace.ts";

export interface Namespace {
  readonly db: string;
  readonly collection: string;
}

export type DocumentSource = Iterable<BsonDocument> | AsyncIterable<BsonDocument>;

/** The action of `$merge` on one document. */
export type MergeDecision =
  | { readonly action: "insert"; readonly doc: BsonDocument }
  | { readonly action: "replace"; readonly doc: BsonDocument }
  | { readonly action: "none" };

/** Writes the output of `$out` and `$merge`. */
export interface PipelineWriter {
  /** Replaces all documents of a collection at once. Creates it if needed and keeps its indexes. */
  replaceAll(target: Namespace, docs: readonly BsonDocument[]): Promise<void>;
  /** Checks that a unique index of the target covers the fields (CommandFault 51183 otherwise). */
  requireUnique(target: Namespace, fields: readonly string[]): void;
  /** Finds the document with these values, calls `decide`, and stores the result. */
  mergeOne(
    target: Namespace,
    key: BsonDocument,
    decide: (existing: BsonDocument | undefined) => MergeDecision,
  ): Promise<void>;
}

/** A collection that can be searched by its indexes. */
export interface JoinedCollection {
  /** Estimated number of documents. */
  readonly size: number;
  /**
   * Returns the documents that match a filter, in natural order; null if no index makes the search cheaper.
   */
  find(filter: BsonDocument): Promise<BsonDocument[] | null>;
}

/** The services of the server that a pipeline may use. */
export interface PipelineEnvironment {
  readonly namespace: { readonly db: string; readonly collection?: string };
  /** Contains `$$NOW`, the command's `let` variables and its collation. */
  readonly scope: Scope;
  readonly collation?: Collation | undefined;
  readonly pace: Pace;
  /** Returns the documents of another collection in the command's snapshot; none if it does not exist. */
  readCollection(name: string, db?: string): DocumentSource;
  /** Returns a collection that can be searched by index; undefined for a view or a missing collection. */
  readonly joinedCollection?: ((name: string, db?: string) => JoinedCollection | undefined) | undefined;
  /** Absent if writes are not allowed. */
  readonly writer?: PipelineWriter | undefined;
  /**
   * Stages that return diagnostics of the server (`$collStats`, `$indexStats`, `$listLocalSessions`); others are
   * rejected.
   */
  readonly diagnostics?: Readonly<Record<string, (operand: BsonValue) => BsonDocument[]>> | undefined;
}
