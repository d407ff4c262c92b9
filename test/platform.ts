import { randomBytes } from "node:crypto";
import type { Db } from "mongodb";
import type { Handler } from "../services/executor/handler/define-handler.ts";
import { readConfig } from "../shared/config.ts";
import type { ActionName, ActionParams, ActionResult } from "../shared/contracts/actions.ts";
import { exampleDefinition } from "../shared/contracts/task-definition.ts";
import { rowsOf } from "../shared/rows-of.ts";
import { call } from "../shared/service.ts";
import { type Launched, launch } from "../tools/launch.ts";
import type { ServiceName } from "../tools/service-names.ts";
import { eventually } from "./eventually.ts";
import type { TestMongo } from "./mongo.ts";

type Record = ActionResult<"records.get">;

/** Services of one process, started as in production, on a database of their own. */
export interface Platform extends Pick<Launched, "broker" | "config" | "address" | "stop"> {
  readonly db: Db;
  call<N extends ActionName>(name: N, params: ActionParams<N>): Promise<ActionResult<N>>;
  /** Creates a task that is due every second by default; returns its id. */
  create(task: Partial<ActionParams<"scheduler.create">>): Promise<string>;
  /** A task's records, the oldest occurrence first. */
  records(taskId: string): Promise<readonly Record[]>;
  recordsWhen(taskId: string, condition: (records: readonly Record[]) => boolean): Promise<readonly Record[]>;
}

export interface PlatformOptions {
  readonly mongo: TestMongo;
  readonly services?: readonly ServiceName[];
  readonly handlers?: readonly Handler[];
  /** Environment variables that the platform is started with. */
  readonly settings?: Readonly<{ [variable: string]: string }>;
}

const { timezone, cronDialect, misfire, misfireGraceMs, overlap, timeoutMs, ...definition } =
  exampleDefinition;
/** A definition without defaults, as clients send it. */
export const everySecond = { ...definition, expression: "1 * * * *", isActive: true };

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { mongo, handlers = [], settings = {}, services = ["executor", "scheduler", "records"] } = options;
  const name = `platform-${randomBytes(4).toString("hex")}`;
  const config = readConfig({
    MONGO_DB_URL: mongo.url,
    MONGO_DB_NAME: name,
    LOG_LEVEL: "fatal",
    // The embedded PostgreSQL takes seconds to start, and would store in the working directory.
    ORM_DB_ENABLE: "false",
    AUTH_ENABLE: "false",
    ...settings,
  });
  const { broker, address, stop } = await launch({ config, services, handlers });
  const records = async (taskId: string) => {
    const query = { page: 1, limit: 0, taskId, orderField: "plannedAt", order: "asc" } as const;
    const { items, rest = [] } = await call(broker, "records.list", query);
    const all = [...items];
    for await (const later of rowsOf(rest, (rows) => call(broker, "records.rows", rows))) all.push(...later);
    return all;
  };
  return {
    broker,
    config,
    address,
    stop,
    db: mongo.client.db(config.mongoDatabase),
    call: (action, params) => call(broker, action, params),
    create: async (task) => (await call(broker, "scheduler.create", { ...everySecond, ...task })).id,
    records,
    async recordsWhen(taskId, condition) {
      let found: readonly Record[] = [];
      await eventually(async () => {
        found = await records(taskId);
        return condition(found);
      });
      return found;
    },
  };
}
