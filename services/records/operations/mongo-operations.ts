import type { ClientSession, Collection, Filter } from "mongodb";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { StateStore } from "../../../shared/event-store/command-handler-options.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { sessionOf } from "../../../shared/event-store/mongo-transaction.ts";
import { mongoPages } from "../../../shared/mongo-pages.ts";
import { type OperationDocument, toDocument, toView } from "./operation-document.ts";
import { type OperationEnvelope, type StoreOperation, streamOf, utcDay } from "./operation-log.ts";

/** The operation log. */
export interface Operations extends StateStore<null, StoreOperation, OperationEnvelope> {
  /** The newest operation first. @throws `LIST_TOO_LONG`, `STORE_UNAVAILABLE` */
  list(query: ActionParams<"records.operations">): Promise<ActionResult<"records.operations">>;
  rows(query: ActionParams<"records.operationRows">): Promise<ActionResult<"records.operationRows">>;
  /** Deletes the days that ended before an instant, with their events, in several transactions. */
  purgeBefore(instant: number, stopping: AbortSignal): Promise<void>;
}

export interface MongoOperationsOptions {
  readonly store: EventStore;
  readonly operations: Collection<OperationDocument>;
  readonly events: Collection<EventDocument>;
}

/** Operations purged in one transaction. */
const CHUNK = 500;
const NEWEST_FIRST = { create_datetime: -1, _id: -1 } as const;

export function mongoOperations({ store, operations, events }: MongoOperationsOptions): Operations {
  const pages = mongoPages(operations, toView);

  async function versionOf(stream: string, session: ClientSession | undefined): Promise<number> {
    const newest = {
      sort: { version: -1 },
      projection: { version: 1 },
      ...(session && { session }),
    } as const;
    return (await events.findOne({ stream }, newest))?.version ?? 0;
  }

  async function purge(chunk: readonly OperationDocument[]): Promise<void> {
    const byDay = Map.groupBy(chunk, ({ create_datetime }) => utcDay(create_datetime.getTime()));
    await store.transact(async (transaction) => {
      const session = sessionOf(transaction);
      await operations.deleteMany({ _id: { $in: chunk.map(({ _id }) => _id) } }, { session });
      for (const [day, own] of byDay) {
        const versions = own.flatMap(({ version }) => version ?? []);
        await events.deleteMany({ stream: streamOf(day), version: { $in: versions } }, { session });
      }
    });
  }

  return {
    async load(days, { transaction }) {
      const session = transaction ? sessionOf(transaction) : undefined;
      const states = new Map<string, { state: null; version: number }>();
      for (const day of days)
        states.set(day, { state: null, version: await versionOf(streamOf(day), session) });
      return states;
    },

    async write(transaction, changes) {
      const added = changes.flatMap(({ decided, previousVersion }) =>
        decided
          .flatMap((command) => command.events)
          .map((event, position) => toDocument(event, previousVersion + position + 1)),
      );
      if (added.length > 0) await operations.insertMany(added, { session: sessionOf(transaction) });
    },

    list: ({ page, limit, ...filters }) => {
      const filter = filterOf(filters);
      const isWhole = Object.keys(filter).length === 0;
      return pages.page({ page, limit, filter, sort: NEWEST_FIRST }, () =>
        isWhole ? operations.estimatedDocumentCount() : operations.countDocuments(filter),
      );
    },

    rows: pages.rows,

    async purgeBefore(instant, stopping) {
      const start = new Date(`${utcDay(instant)}T00:00:00.000Z`);
      const projection = { create_datetime: 1, version: 1 } as const;
      const options = { sort: { create_datetime: 1, _id: 1 }, limit: CHUNK, projection } as const;
      while (!stopping.aborted) {
        const chunk = await operations.find({ create_datetime: { $lt: start } }, options).toArray();
        if (chunk.length > 0) await purge(chunk);
        if (chunk.length < CHUNK) return;
      }
    },
  };
}

type Filters = Omit<ActionParams<"records.operations">, "page" | "limit" | "order" | "orderField">;

function filterOf({
  actor,
  address,
  path,
  method,
  status,
  from,
  before,
}: Filters): Filter<OperationDocument> {
  const during = {
    ...(from !== undefined && { $gte: new Date(from) }),
    ...(before !== undefined && { $lt: new Date(before) }),
  };
  return {
    ...(actor !== undefined && { actor }),
    ...(address !== undefined && { client_ip: address }),
    ...(path !== undefined && { api_path: path }),
    ...(method !== undefined && { request_method: method }),
    ...(status !== undefined && { status_code: status }),
    ...(Object.keys(during).length > 0 && { create_datetime: during }),
  };
}
