import { type Config, wantsStacks } from "../shared/config.ts";
import { AppError, errorMessage, errorType } from "../shared/errors.ts";
import type { Launched } from "./launch.ts";
import { whenUnread } from "./unread-output.ts";

/**
 * How long a process may take to stop. Longer than the services' own limits: requests and handlers may each take
 * `DRAIN_MS`. Then the process ends anyway, and the next start publishes the remaining events.
 */
export const stopLimitMs = ({ drainMs }: Pick<Config, "drainMs">): number => 2 * drainMs + 20_000;

/**
 * Stops cleanly on Ctrl-C or SIGTERM, and when standard output is closed (`npm start | head`). A second signal ends the
 * process immediately.
 */
export function stopOnSignal(launched: Pick<Launched, "stop">, config: Pick<Config, "drainMs">): void {
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    setTimeout(() => process.exit(1), stopLimitMs(config)).unref();
    launched.stop().then(
      () => process.exit(0),
      (error: unknown) => failCommand(new Error(`Could not stop cleanly: ${errorMessage(error)}`)),
    );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(signal === "SIGINT" ? 130 : 143);
    process.stdout.write(`\n${signal}: stopping; a second signal stops immediately\n`);
    stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Those of run.mjs, which end a process that has not started yet.
    process.removeAllListeners(signal);
    process.on(signal, onSignal);
  }
  whenUnread(() => {
    if (!isStopping) stop();
  });
}

/** Prints in one line why a command failed and exits with status 1. LOG_LEVEL=debug also prints the stack. */
export function failCommand(error: unknown): never {
  const isKnown = error instanceof AppError || errorType(error) !== undefined;
  if (wantsStacks() && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else process.stderr.write(`${errorMessage(error)}${isKnown ? "" : " (LOG_LEVEL=debug shows where)"}\n`);
  process.exit(1);
}
