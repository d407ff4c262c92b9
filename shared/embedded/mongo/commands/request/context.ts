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

/** The server's state that commands use. */
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
  /** The address that clients connect to. */
  readonly address: string;
  readonly port: number;
  connections(): number;
}

/** One command during its execution. */
export interface CommandContext {
  readonly server: ServerState;
  readonly client: ClientState;
  readonly name: string;
  readonly database: string;
  readonly args: Arguments;
  readonly session: Session | null;
  /** The `txnNumber` of a retryable write or of a command in a transaction; otherwise null. */
  readonly number: bigint | null;
  /** The transaction that the command belongs to; null if none. */
  readonly transaction: Transaction | null;
  readonly isRetryable: boolean;
  /** The snapshot of a snapshot read outside of a transaction; null for other commands. */
  readonly snapshot: Snapshot | null;
}

export interface CommandDefinition {
  run(context: CommandContext): Promise<Reply> | Reply;
  /** Allowed inside a transaction. */
  readonly inTransaction?: boolean;
  /** Allowed only inside a transaction, which it ends. */
  readonly inTransactionOnly?: boolean;
  /** Changes data, so a write concern applies. */
  readonly isWrite?: boolean;
  /** Retries are recognised by `txnNumber`. */
  readonly isRetryable?: boolean;
  /** The read concerns that it accepts outside of a transaction; default: `local` only. */
  readonly readsAt?: "every level" | "every level but snapshot";
  /** Accepts a write concern although it is not a retryable write. */
  readonly takesWriteConcern?: boolean;
  /** Accepted on the database `admin` only. */
  readonly adminOnly?: boolean;
}

export type CommandTable = Readonly<Record<string, CommandDefinition>>;

export const timeSliceOf = ({ args }: CommandContext): TimeSlice => new TimeSlice(args.maxTimeMs());

/**
 * Returns the collection that the command sees under a name; undefined if there is none.
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
