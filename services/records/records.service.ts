import type { ServiceBroker, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import { subscribe } from "../../shared/bus/channels.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { unsentOf } from "../../shared/event-store/mongo-unsent-events.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import type { PeriodicJob } from "../../shared/periodic-job.ts";
import { answers } from "../../shared/service.ts";
import { createBusWatch } from "./lost/bus-watch.ts";
import { declareLost } from "./lost/declare-lost.ts";
import { type EndedRuns, endedRuns } from "./lost/ended-runs.ts";
import { type LostRuns, lostRuns } from "./lost/lost-runs.ts";
import { mongoKnownBus } from "./lost/mongo-known-bus.ts";
import { createReaper, type Reaper } from "./lost/reaper.ts";
import { runWhereabouts } from "./lost/run-whereabouts.ts";
import { mongoOrders } from "./record/mongo-orders.ts";
import { mongoRecords, type RecordStore } from "./record/mongo-records.ts";
import type { RecordDocument } from "./record/record-document.ts";
import { createRecorder, type Recorder } from "./record/recorder.ts";
import { mongoRunHistory } from "./retention/mongo-run-history.ts";
import { createRetention, type Retention } from "./retention/retention.ts";

export interface RecordsDeps {
  readonly config: Config;
  readonly clock: Clock;
}

/** How long after a run's end its order may be delivered again: over NATS, and in one process. */
const REDELIVERY_MS = 3_600_000;
const RESEND_MS = 120_000;

/** Keeps a record of every run and every skip, and the runs' own events. */
export const recordsService = ({ config, clock }: RecordsDeps): ServiceSchema => {
  let events: OpenEventStore;
  let records: RecordStore;
  let recorder: Recorder;
  let reaper: Reaper;
  let busWatch: PeriodicJob;
  let retention: Retention;
  let ended: EndedRuns;
  let lost: LostRuns;
  const batch = { maxSize: config.recordBatch, lingerMs: config.recordLingerMs };
  return {
    name: "records",
    actions: answers("records", {
      list: (query) => records.list(query),
      rows: (query) => records.rows(query),
      get: ({ runId }) => records.view(runId),
      ended: async ({ runs }) => ({ ended: await ended(runs) }),
      locate: async ({ runs }) => ({ places: await lost.locate(runs) }),
    }),
    channels: subscribe({
      // Orders wait here for the end of their runs, so many batches of them are open at a time.
      "task.due": {
        group: "records",
        batch: { ...batch, concurrency: 64 },
        maxInFlight: 20_000,
        handler: (orders, deliveries) => recorder.record(orders, { mayBeKnown: anyResent(deliveries) }),
      },
      "task.skipped": {
        group: "records",
        batch,
        handler: (skips, deliveries) => recorder.record(skips, { mayBeKnown: anyResent(deliveries) }),
      },
      "run.*": {
        group: "records",
        batch: { ...batch, concurrency: 4 },
        handler: (facts, deliveries) => recorder.record(facts, { mayBeKnown: anyResent(deliveries) }),
      },
    }),
    events: {
      /** What an earlier process left unsent goes out when all who listen have subscribed. */
      "$broker.started"() {
        events.outbox.adoptEnded();
        reaper.start();
        busWatch.start();
        retention.start();
      },
    },
    async started() {
      const { broker, logger: log } = this;
      events = await openEventStore({ config, service: "records", bus: broker.bus, clock, log });
      const { db, store } = events;
      await ensureIndexes(db, ["events", "scheduler_task_record"]);
      await events.outbox.start();
      const documents = db.collection<RecordDocument>("scheduler_task_record");
      const orders = mongoOrders(db.collection("events"));
      records = mongoRecords({
        records: documents,
        justOrdered: orders.justOrdered,
        lostMs: config.runLostMs,
        defaultTimeoutMs: config.handlerTimeoutMs,
      });
      ended = endedRuns({ records, orders, clock });
      retention = createRetention({
        history: mongoRunHistory({ store, records: documents, events: db.collection("events") }),
        clock,
        log,
        maxAgeMs: config.recordsMaxAgeMs || null,
        maxPerTask: config.recordsMaxPerTask || null,
        minAgeMs: config.natsUrl ? REDELIVERY_MS : RESEND_MS,
      });
      const maxBatch = config.recordBatch * 2;
      recorder = createRecorder({ store, records, clock, maxBatch, onAdded: retention.added });
      const declare = declareLost({ store, records, clock, log });
      reaper = createReaper({
        records,
        declareLost: declare,
        clock,
        log,
        everyMs: Math.min(60_000, config.runLostMs / 10),
      });
      const whereabouts = runWhereabouts(broker, (sent) => unsentOf(db.collection("outboxes"), sent));
      lost = lostRuns({ orders, records, recorder, whereabouts, declareLost: declare });
      busWatch = createBusWatch({
        bus: broker.bus,
        known: mongoKnownBus(db.collection("known_bus")),
        orders,
        lost,
        log,
      });
    },
    async stopped() {
      await Promise.all([reaper?.stop(), busWatch?.stop(), retention?.stop()]);
      await recorder?.flush();
      await events?.close();
    },
  };
};

const anyResent = (deliveries: readonly Delivery[]): boolean => deliveries.some(({ resent }) => resent);

export default ({ config }: ServiceBroker) => recordsService({ config, clock: systemClock });
