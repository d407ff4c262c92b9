import { wantsStacks } from "../shared/config.ts";
import { AppError, errorMessage, errorType } from "../shared/errors.ts";
import type { Launched } from "./launch.ts";
import { whenUnread } from "./unread-output.ts";

/** Beyond the services' own limits; then the process ends anyway and what was unsent is sent at the next start. */
const STOP_LIMIT_MS = 60_000;

/**
 * Stops cleanly on Ctrl-C or SIGTERM, and when nobody reads the output any more (`npm start | head`). A second signal
 * ends the process at once.
 */
export function stopOnSignal(launched: Pick<Launched, "stop">): void {
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    launched.stop().then(
      () => process.exit(0),
      (error: unknown) => failCommand(new Error(`Could not stop cleanly: ${errorMessage(error)}`)),
    );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(signal === "SIGINT" ? 130 : 143);
    process.stdout.write(`\n${signal}: finishing what runs; once more to stop at once\n`);
    stop();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  whenUnread(() => {
    if (!isStopping) stop();
  });
}

/** Reports in one line why a command cannot go on, and ends with status 1. The stack is shown at LOG_LEVEL=debug. */
export function failCommand(error: unknown): never {
  const isKnown = error instanceof AppError || errorType(error) !== undefined;
  if (wantsStacks() && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else process.stderr.write(`${errorMessage(error)}${isKnown ? "" : " (LOG_LEVEL=debug shows where)"}\n`);
  process.exit(1);
}
