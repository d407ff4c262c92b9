import { fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { eventsOf, inChunks, type ReadModel } from "../../../shared/event-store/replay.ts";
import { toDocument } from "./operation-document.ts";
import type { OperationEnvelope } from "./operation-log.ts";

const CHUNK = 1000;

/** The operation log as its events define it. */
export const operationReadModel: ReadModel = {
  collection: "record_operation",
  ignored: [],
  async *replay(events) {
    for await (const chunk of inChunks(eventsOf(events, "operation"), CHUNK))
      yield chunk.map((stored) => {
        const document = toDocument(fromEventDocument(stored) as OperationEnvelope, stored.version);
        return { id: document._id.toHexString(), document };
      });
  },
};
