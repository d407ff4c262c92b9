import { join } from "node:path";
import type { Logger } from "pino";
import type { ReadinessCheck } from "../services/gateway/readiness.ts";
import { type Config, withEmbeddedStore } from "../shared/config.ts";
import { budgetNews } from "../shared/embedded/mongo/budget.ts";
import { type MongoThread, startMongoThread } from "../shared/embedded/mongo/start-mongo-thread.ts";

/** The embedded MongoDB server of a process, and the configuration of the services that use it. */
export interface EmbeddedStore extends Pick<MongoThread, "failed" | "close"> {
  readonly config: Config;
  readonly readiness: () => ReadinessCheck;
}

/**
 * Starts the embedded server in DATA_DIR/mongo.
 *
 * @throws AppError as `startEmbeddedMongo`
 */
export async function startEmbeddedStore(config: Config, logger: Logger): Promise<EmbeddedStore> {
  const log = logger.child({ mod: "MONGO" });
  const thread = await startMongoThread({
    dir: join(config.dataDir, "mongo"),
    sync: config.embeddedSync,
    budgetBytes: config.embeddedBudgetBytes,
    log: (message) => log.info(message),
    onBudget: (reason) => (reason === null ? log.info : log.warn).call(log, budgetNews(reason)),
  });
  return {
    config: withEmbeddedStore(config, thread.url),
    failed: thread.failed,
    close: () => thread.close(),
    readiness: () => storeCheck(thread),
  };
}

/** Too much data is no reason to send requests elsewhere: there is no other store. */
function storeCheck(thread: MongoThread): ReadinessCheck {
  const warning = thread.overBudget();
  return { name: "embedded store", ok: true, ...(warning === null ? {} : { warning }) };
}
