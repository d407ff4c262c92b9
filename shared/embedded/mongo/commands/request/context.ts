import { CommandFault } from "../../bson/fault.ts";
import type { BsonValue } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Transaction } from "../../engine/transaction.ts";
import { TimeSlice } from "../../pacing/time-slice.ts";
import type { Activity } from "../../server/activity.ts";
import type { Cursors } from "../../server/cursors.ts";
import type { FailPoints } from "../../server/fail-points.ts";
import type { Profiler } from "../../server/profiler.ts";
import type { WriteGate } from "../../server/write-gate.ts";
import type { ClusterTime } from "../../session/cluster-time.ts";
import type { Session } from "../../session/session.ts";
import type { Sessions } from "../../session/sessions.ts";
import type { Snapshot, Snapshots } from "../../session/snapshots.ts";
import type { ClientState } from "../../wire/connection.ts";
import type { Reply } from "../../wire/reply.ts";
import type { Arguments } from "./arguments.ts";

/** Everything that commands work on. */
export interface ServerState {
  readonly engine: Engine;
  readonly sessions: Sessions;
  readonly cursors: Cursors;
  readonly failPoints: FailPoints;
  readonly clusterTime: ClusterTime;
  readonly snapshots: Snapshots;
  readonly activity: Activity;
  readonly profiler: Profiler;
  readonly writeGate: WriteGate;
  readonly startedAt: number;
  readonly parameters: Map<string, BsonValue>;
  /** How clients reach this server. */
  readonly address: string;
  readonly port: number;
  connections(): number;
}

/** One command on its way. */
export interface CommandContext {
  readonly server: ServerState;
  readonly client: ClientState;
  readonly name: string;
  readonly database: string;
  readonly args: Arguments;
  readonly session: Session | null;
  /** The session's number where the command is a retryable write or belongs to a transaction. */
  readonly number: bigint | null;
  /** The transaction that the command belongs to; null outside of one. */
  readonly transaction: Transaction | null;
  readonly isRetryable: boolean;
  /** The state of the data that a snapshot read outside of a transaction sees; null for every other command. */
  readonly snapshot: Snapshot | null;
}

export interface CommandDefinition {
  run(context: CommandContext): Promise<Reply> | Reply;
  /** May be sent inside a transaction. */
  readonly inTransaction?: boolean;
  /** Has its place in a transaction only: it ends one. */
  readonly inTransactionOnly?: boolean;
  /** Changes something: a write concern applies. */
  readonly isWrite?: boolean;
  /** A retry of it is recognised by its `txnNumber`. */
  readonly isRetryable?: boolean;
  /** The read concerns that it takes outside of a transaction; default: `local` only. */
  readonly readsAt?: "every level" | "every level but snapshot";
  /** Answers for a write concern although it is no retryable write. */
  readonly takesWriteConcern?: boolean;
  /** Must be sent to the database `admin`. */
  readonly adminOnly?: boolean;
}

export type CommandTable = Readonly<Record<string, CommandDefinition>>;

export const timeSliceOf = ({ args }: CommandContext): TimeSlice => new TimeSlice(args.maxTimeMs());

/**
 * The collection that the command sees under a name; undefined where there is none.
 * @throws CommandFault 166 for the name of a view
 */
export function findCollection(
  { server, database, transaction }: CommandContext,
  name: string,
): Collection | undefined {
  const collection = server.engine.catalog.find(database, name, transaction);
  if (collection === undefined || collection.view === null) return collection;
  throw new CommandFault(166, `Namespace ${database}.${name} is a view, not a collection`);
}
