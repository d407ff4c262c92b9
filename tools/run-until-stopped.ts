import type { Launched } from "./launch.ts";

/** Beyond the services' own limits; then the process ends anyway and what was unsent is sent at the next start. */
const STOP_LIMIT_MS = 60_000;

/** Stops cleanly on Ctrl-C or SIGTERM; a second signal ends the process at once. */
export function stopOnSignal(launched: Pick<Launched, "stop">): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(signal === "SIGINT" ? 130 : 143);
    isStopping = true;
    process.stdout.write(`\n${signal}: finishing what runs; once more to stop at once\n`);
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    launched.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Could not stop cleanly: ${error instanceof Error ? error.stack : error}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

/** Reports why a command cannot go on, in words where the error is ours, and ends with status 1. */
export function failCommand(error: unknown): never {
  const isOurs = error instanceof Error && "type" in error;
  process.stderr.write(`${isOurs ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
