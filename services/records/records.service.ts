import type { ServiceBroker, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import type { Delivery } from "../../shared/bus/bus.ts";
import { subscribe } from "../../shared/bus/channels.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { unsentOf } from "../../shared/event-store/mongo-unsent-events.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import type { Log } from "../../shared/log.ts";
import { monitoringOf } from "../../shared/monitoring/monitoring.ts";
import { createPeriodicJob, type PeriodicJob } from "../../shared/periodic-job.ts";
import { actionsOf } from "../../shared/service.ts";
import { createBusWatch } from "./lost/bus-watch.ts";
import { type CancelRun, cancelRun } from "./lost/cancel-run.ts";
import { declareLost } from "./lost/declare-lost.ts";
import { type EndedRuns, endedRuns } from "./lost/ended-runs.ts";
import { type LostRuns, lostRuns } from "./lost/lost-runs.ts";
import { mongoKnownBus } from "./lost/mongo-known-bus.ts";
import { createReaper, type Reaper } from "./lost/reaper.ts";
import { runLocations } from "./lost/run-locations.ts";
import { mongoOperations, type Operations } from "./operations/mongo-operations.ts";
import type { OperationDocument } from "./operations/operation-document.ts";
import { createOperationRecorder, type OperationRecorder } from "./operations/operation-recorder.ts";
import { mongoRecords, type RecordStore } from "./record/mongo-records.ts";
import { mongoSourceEvents } from "./record/mongo-source-events.ts";
import type { RecordDocument } from "./record/record-document.ts";
import { createRecorder, type Recorder } from "./record/recorder.ts";
import { runCommandHandler } from "./record/run-command-handler.ts";
import { mongoRunHistory } from "./retention/mongo-run-history.ts";
import { createRetention, type Retention } from "./retention/retention.ts";

export interface RecordsDeps {
  readonly config: Config;
  readonly clock: Clock;
}

/** How long after a run's end its `task.due` may be delivered again: over NATS, and in one process. */
const REDELIVERY_MS = 3_600_000;
const RESEND_MS = 120_000;
/** Operations are shown a moment later, so that a busy gateway costs few transactions. */
const OPERATION_BATCH = { maxSize: 500, lingerMs: 50 } as const;
const PURGE_EVERY_MS = 3_600_000;

/** Records every run, every skip and every operation, and stores the events of runs and operations. */
export const recordsService = ({ config, clock }: RecordsDeps): ServiceSchema => {
  let events: OpenEventStore;
  let records: RecordStore;
  let recorder: Recorder;
  let reaper: Reaper;
  let busWatch: PeriodicJob;
  let retention: Retention;
  let ended: EndedRuns;
  let lost: LostRuns;
  let cancel: CancelRun;
  let operations: Operations;
  let operationRecorder: OperationRecorder;
  let purging: PeriodicJob | undefined;
  const batch = { maxSize: config.recordBatch, lingerMs: config.recordLingerMs };
  return {
    name: "records",
    actions: actionsOf("records", {
      list: (query) => records.list(query),
      rows: (query) => records.rows(query),
      get: ({ runId }) => records.view(runId),
      status: ({ runId }) => records.status(runId),
      cancel: async ({ taskId, runId, ...cancellation }) => {
        await cancel({ taskId, runId }, cancellation);
        return null;
      },
      withdraw: async (run) => {
        await cancel(run, null);
        return null;
      },
      ended: async ({ runs }) => ended(runs),
      operations: (query) => operations.list(query),
      operationRows: (query) => operations.rows(query),
      locate: async ({ runs }) => ({ places: await lost.locate(runs) }),
    }),
    channels: subscribe({
      // Dispatched runs wait here for their first events, so many batches are in flight at a time.
      "task.due": {
        group: "records",
        batch: { ...batch, concurrency: 64 },
        maxInFlight: 20_000,
        handler: (dues, deliveries) => recorder.record(dues, deliveryOf(deliveries)),
      },
      "task.skipped": {
        group: "records",
        batch,
        handler: (skips, deliveries) => recorder.record(skips, deliveryOf(deliveries)),
      },
      "run.*": {
        group: "records",
        batch: { ...batch, concurrency: 4 },
        handler: (events, deliveries) => recorder.record(events, deliveryOf(deliveries)),
      },
      "operation.recorded": {
        group: "records",
        batch: OPERATION_BATCH,
        handler: (events, deliveries) => operationRecorder.store(events, deliveryOf(deliveries)),
      },
    }),
    events: {
      /** Events that an earlier process left unsent are published once every consumer of this process has subscribed. */
      "$broker.started"() {
        events.outbox.adoptEnded();
        reaper.start();
        busWatch.start();
        retention.start();
        purging?.start();
      },
    },
    async started() {
      const { broker, logger: log } = this;
      const monitoring = monitoringOf(broker);
      events = await openEventStore({ config, service: "records", bus: broker.bus, clock, log, monitoring });
      const { db, store } = events;
      await ensureIndexes(db, ["events", "scheduler_task_record", "record_operation"]);
      await events.outbox.start();
      const documents = db.collection<RecordDocument>("scheduler_task_record");
      const sources = mongoSourceEvents(db.collection("events"));
      records = mongoRecords({
        records: documents,
        justDispatched: sources.justDispatched,
        lostMs: config.runLostMs,
        defaultTimeoutMs: config.handlerTimeoutMs,
      });
      ended = endedRuns({ records, sources, clock });
      retention = createRetention({
        history: mongoRunHistory({ store, records: documents, events: db.collection("events") }),
        clock,
        log,
        maxAgeMs: config.recordsMaxAgeMs || null,
        maxPerTask: config.recordsMaxPerTask || null,
        minAgeMs: config.natsUrl ? REDELIVERY_MS : RESEND_MS,
      });
      operations = mongoOperations({
        store,
        operations: db.collection<OperationDocument>("record_operation"),
        events: db.collection("events"),
      });
      operationRecorder = createOperationRecorder({ store, operations, clock });
      purging = operationPurging(operations, { config, clock, log });
      const maxBatch = config.recordBatch * 2;
      const handler = runCommandHandler({ store, records, clock, maxBatch, onAdded: retention.added });
      recorder = createRecorder({ handler, clock });
      const declare = declareLost({ handler, clock, log, metrics: monitoring.metrics });
      reaper = createReaper({
        records,
        declareLost: declare,
        clock,
        log,
        everyMs: Math.min(60_000, config.runLostMs / 10),
      });
      const locations = runLocations(broker, (events) => unsentOf(db.collection("outboxes"), events));
      lost = lostRuns({ sources, records, recorder, locations, declareLost: declare });
      const { bus, nodeID: node } = broker;
      cancel = cancelRun({ bus, sources, records, recorder, handler, clock, node });
      busWatch = createBusWatch({
        bus: broker.bus,
        known: mongoKnownBus(db.collection("known_bus")),
        sources,
        lost,
        log,
      });
    },
    async stopped() {
      await Promise.all([reaper?.stop(), busWatch?.stop(), retention?.stop(), purging?.stop()]);
      await Promise.all([recorder?.flush(), operationRecorder?.idle()]);
      await events?.close();
    },
  };
};

function operationPurging(
  operations: Operations,
  { config, clock, log }: RecordsDeps & { readonly log: Log },
): PeriodicJob | undefined {
  const maxAgeMs = config.operationsMaxAgeMs;
  if (!maxAgeMs) return undefined;
  // A redelivered event is recognised by the stored one.
  const keptMs = Math.max(maxAgeMs, config.natsUrl ? REDELIVERY_MS : RESEND_MS);
  return createPeriodicJob({
    everyMs: Math.min(PURGE_EVERY_MS, Math.max(1000, maxAgeMs / 10)),
    work: (stopping) => operations.purgeBefore(clock.now() - keptMs, stopping),
    log,
    failure: "old operations could not be purged",
  });
}

const deliveryOf = (deliveries: readonly Delivery[]) => ({
  isRedelivered: deliveries.some(({ resent }) => resent),
});

export default ({ config }: ServiceBroker) => recordsService({ config, clock: systemClock });
