import type { Collection } from "mongodb";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import type { KnownBus } from "./bus-watch.ts";

/** The one document of `known_bus`. A copy of the database has it too, so a copy next to another bus is detected. */
export interface KnownBusDocument {
  readonly _id: "records";
  readonly identity: string;
}

export function mongoKnownBus(buses: Collection<KnownBusDocument>): KnownBus {
  return {
    read: async () => (await withStoreErrors(buses.findOne({ _id: "records" })))?.identity ?? null,
    async write(identity) {
      await withStoreErrors(buses.updateOne({ _id: "records" }, { $set: { identity } }, { upsert: true }));
    },
  };
}
