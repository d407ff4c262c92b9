import { join } from "node:path";
import type { Config } from "../../../shared/config.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { FileStore } from "./file-store.ts";
import { deleteFilesBefore, localFiles } from "./local-files.ts";

export type StorageConfig = Pick<
  Config,
  "dataDir" | "localEnable" | "localPath" | "tempEnable" | "tempPath" | "tempMaxAgeMs"
>;
export type StorageBackend = "local" | "temp";

/** The path under which stored files are served. */
export const MEDIA = "/media";

class StorageDisabled extends AppError {
  constructor(backend: StorageBackend) {
    super(`The storage ${backend} is not enabled`, { type: "STORAGE_DISABLED", data: { backend } });
  }
}

/** The stores of uploads that are enabled. */
export interface Storage {
  /** The directory of files that are served; null: none are. */
  readonly served: string | null;
  /** @throws `STORAGE_DISABLED` */
  store(backend: StorageBackend): FileStore;
  /** Deletes temporary files as they age, and what interrupted uploads left. */
  start(log: Log): void;
  stop(): Promise<void>;
}

/** An upload is received within seconds; what is older was interrupted. */
const INTERRUPTED_MS = 3_600_000;
const SWEEP_EVERY_MS = 60_000;

export function openStorage(config: StorageConfig): Storage {
  const { dataDir, localEnable, localPath, tempEnable, tempPath, tempMaxAgeMs } = config;
  const media = localPath || join(dataDir, "media");
  const temporary = tempPath || join(dataDir, "temp");
  const stores = new Map<StorageBackend, FileStore>();
  if (localEnable) stores.set("local", localFiles({ directory: media, baseUrl: MEDIA }));
  if (tempEnable) stores.set("temp", localFiles({ directory: temporary, baseUrl: "" }));
  let job: PeriodicJob | undefined;

  async function sweep(): Promise<void> {
    if (tempEnable && tempMaxAgeMs > 0) await deleteFilesBefore(temporary, Date.now() - tempMaxAgeMs);
    for (const { incoming } of stores.values())
      await deleteFilesBefore(incoming, Date.now() - INTERRUPTED_MS);
  }

  return {
    served: localEnable ? media : null,
    store(backend) {
      const found = stores.get(backend);
      if (!found) throw new StorageDisabled(backend);
      return found;
    },
    start(log) {
      const everyMs = Math.min(SWEEP_EVERY_MS, Math.max(100, tempMaxAgeMs / 4));
      job = createPeriodicJob({ everyMs, work: sweep, log, failure: "old uploads could not be deleted" });
      job.start();
    },
    async stop() {
      await job?.stop();
    },
  };
}
