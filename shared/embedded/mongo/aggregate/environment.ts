import type { Collation } from "../bson/collation.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { Scope } from "../expression/scope.ts";
import type { Pace } from "../pacing/pace.ts";

export interface Namespace {
  readonly db: string;
  readonly collection: string;
}

export type DocumentSource = Iterable<BsonDocument> | AsyncIterable<BsonDocument>;

/** What `$merge` makes of one document: stored beside nothing, or in place of what is there. */
export type MergeDecision =
  | { readonly action: "insert"; readonly doc: BsonDocument }
  | { readonly action: "replace"; readonly doc: BsonDocument }
  | { readonly action: "none" };

/** Where `$out` and `$merge` write. */
export interface PipelineWriter {
  /** Replaces all documents of a collection at once, creating it where needed and keeping its indexes. */
  replaceAll(target: Namespace, docs: readonly BsonDocument[]): Promise<void>;
  /** Refuses (CommandFault 51183) fields that no unique index of the target covers. */
  requireUnique(target: Namespace, fields: readonly string[]): void;
  /** Finds the one document with these values, lets `decide` say what to store, and stores it. */
  mergeOne(
    target: Namespace,
    key: BsonDocument,
    decide: (existing: BsonDocument | undefined) => MergeDecision,
  ): Promise<void>;
}

/** A collection that can be searched by its indexes. */
export interface JoinedCollection {
  /** How many documents it has, about. */
  readonly size: number;
  /** The documents that match a filter, in natural order; null where no index makes the search cheaper. */
  find(filter: BsonDocument): Promise<BsonDocument[] | null>;
}

/** All that a pipeline may ask of the server around it. */
export interface PipelineEnvironment {
  readonly namespace: { readonly db: string; readonly collection?: string };
  /** Holds `$$NOW`, the command's `let` variables and its order of strings. */
  readonly scope: Scope;
  readonly collation?: Collation | undefined;
  readonly pace: Pace;
  /** The documents of another collection in the command's snapshot; none where it does not exist. */
  readCollection(name: string, db?: string): DocumentSource;
  /** A collection to search instead of reading all of it; undefined for a view, and where there is none. */
  readonly joinedCollection?: ((name: string, db?: string) => JoinedCollection | undefined) | undefined;
  /** Absent where nothing may be written. */
  readonly writer?: PipelineWriter | undefined;
  /** Stages that tell about the server (`$collStats`, `$indexStats`, `$listLocalSessions`): what is not here is refused. */
  readonly diagnostics?: Readonly<Record<string, (operand: BsonValue) => BsonDocument[]>> | undefined;
}
