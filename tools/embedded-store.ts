import { join } from "node:path";
import { budgetMessage } from "@kinit/embedded-mongo/budget";
import { type MongoThread, startMongoThread } from "@kinit/embedded-mongo/thread";
import type { Logger } from "pino";
import { type Config, withEmbeddedStore } from "../shared/config.ts";
import { AppError, errorMessage, errorType } from "../shared/errors.ts";
import type { ReadinessCheck } from "../shared/monitoring/monitoring.ts";
import { publishUrl } from "./published-url.ts";

/** The embedded MongoDB server of a process, and the configuration of the services that use it. */
export interface EmbeddedStore extends Pick<MongoThread, "failed" | "close"> {
  readonly config: Config;
  readonly readiness: () => ReadinessCheck;
}

/**
 * Starts the embedded server in DATA_DIR/mongo.
 *
 * @throws AppError `DATA_DIRECTORY_UNUSABLE`, and as `startEmbeddedMongo`
 */
export async function startEmbeddedStore(config: Config, logger: Logger): Promise<EmbeddedStore> {
  const log = logger.child({ mod: "MONGO" });
  const dir = join(config.dataDir, "mongo");
  const thread = await startMongoThread({
    dir,
    sync: config.embeddedSync,
    budgetBytes: config.embeddedBudgetBytes,
    log: (message) => log.info(message),
    onBudget: (reason) => (reason === null ? log.info : log.warn).call(log, budgetMessage(reason)),
  }).catch((cause: unknown) => {
    throw errorType(cause) === "MONGO_NOT_STARTED" ? unusable(dir, cause) : cause;
  });
  const withdrawUrl = await publishUrl(dir, thread.url);
  return {
    config: withEmbeddedStore(config, thread.url),
    failed: thread.failed,
    async close() {
      await withdrawUrl();
      await thread.close();
    },
    readiness: () => storeCheck(thread),
  };
}

/** The operating system rejects the directory. */
const unusable = (dir: string, cause: unknown): AppError =>
  new AppError(
    `The data directory ${dir} cannot be used: ${errorMessage(cause)}. DATA_DIR has to be a directory that this user may write.`,
    { type: "DATA_DIRECTORY_UNUSABLE", cause },
  );

/** A warning only: an instance with too much data must still receive requests, since there is no other store. */
function storeCheck(thread: MongoThread): ReadinessCheck {
  const warning = thread.overBudget();
  return { name: "embedded store", ok: true, ...(warning === null ? {} : { warning }) };
}
