import type { Collection } from "mongodb";
import { asked } from "../../../shared/event-store/store-errors.ts";
import type { KnownBus } from "./bus-watch.ts";

/** The one document of `known_bus`. It travels with a copy of the database, which so reveals itself beside another bus. */
export interface KnownBusDocument {
  readonly _id: "records";
  readonly identity: string;
}

export function mongoKnownBus(buses: Collection<KnownBusDocument>): KnownBus {
  return {
    read: async () => (await asked(buses.findOne({ _id: "records" })))?.identity ?? null,
    async write(identity) {
      await asked(buses.updateOne({ _id: "records" }, { $set: { identity } }, { upsert: true }));
    },
  };
}
