import { AppError } from "../errors.ts";

/** The URL cannot be used. The message never repeats it: a password may be in it. */
export class MongoUrlFault extends AppError {
  constructor(fault: keyof typeof URL_FAULTS, source = "MONGO_DB_URL") {
    super(`${source} ${URL_FAULTS[fault]}`, { type: "CONFIG_INVALID" });
  }
}
const URL_FAULTS = {
  missing:
    "is missing: services that meet over NATS share one MongoDB. Give its address, or start the embedded one with: npm run kinit -- mongo --dir ./data/mongo --port 27017",
  malformed: "is not a connection string; expected mongodb://host:port/database?replicaSet=name",
};
