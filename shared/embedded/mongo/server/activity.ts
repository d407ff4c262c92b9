import { performance } from "node:perf_hooks";
import type { BsonDocument } from "../bson/values.ts";
import type { Catalog } from "../engine/catalog.ts";
import { noOperations, type OperationKind, usageOf } from "../engine/collection-usage.ts";
import type { ClientState } from "../wire/connection.ts";
import type { Request } from "../wire/request.ts";

/** A command that is being executed. */
export interface Operation {
  readonly id: number;
  readonly name: string;
  readonly kind: OperationKind;
  readonly database: string;
  /** The collection that the command names; null if none. */
  readonly collection: string | null;
  readonly request: Request;
  readonly client: ClientState;
  readonly startedAt: number;
  /** Monotonic start time in milliseconds. */
  readonly started: number;
}

const KINDS: Readonly<Record<string, OperationKind>> = {
  insert: "insert",
  find: "query",
  update: "update",
  delete: "remove",
  getMore: "getmore",
};

/** The field with the statements of a write command. */
const STATEMENTS: Readonly<Record<string, string>> = {
  insert: "documents",
  update: "updates",
  delete: "deletes",
};

/** Counts operations and lists those in progress. */
export class Activity {
  /** Statements of each kind: an insert of ten documents counts as ten. */
  readonly counts = noOperations();
  readonly network = { bytesIn: 0, bytesOut: 0, requests: 0, connections: 0 };
  /** Commands that returned an error. */
  failures = 0;
  readonly #running = new Set<Operation>();
  #lastId = 0;

  get running(): ReadonlySet<Operation> {
    return this.#running;
  }

  begin(request: Request, client: ClientState): Operation {
    const { command } = request;
    const name = command.keys().next().value ?? "";
    const kind = (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined) ?? "command";
    const named = command.get(kind === "getmore" ? "collection" : name);
    const database = command.get("$db");
    this.#lastId += 1;
    this.counts[kind] += statementsOf(request, name);
    const operation: Operation = {
      id: this.#lastId,
      name,
      kind,
      database: typeof database === "string" ? database : "",
      collection: typeof named === "string" ? named : null,
      request,
      client,
      startedAt: Date.now(),
      started: performance.now(),
    };
    this.#running.add(operation);
    return operation;
  }

  end(operation: Operation, catalog: Catalog): void {
    this.#running.delete(operation);
    const { collection, database, kind, started } = operation;
    const used = collection === null ? undefined : catalog.find(database, collection);
    if (used !== undefined) usageOf(used).add(kind, performance.now() - started);
  }
}

function statementsOf({ command, sequences }: Request, name: string): number {
  const field = Object.hasOwn(STATEMENTS, name) ? STATEMENTS[name]! : null;
  if (field === null) return 1;
  const inline: BsonDocument | unknown = command.get(field);
  return sequences.get(field)?.offsets.length ?? (Array.isArray(inline) ? inline.length : 1);
}
