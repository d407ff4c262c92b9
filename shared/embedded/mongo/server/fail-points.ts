import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../bson/values.ts";

/** The effect of a fail point on one command. */
export interface InjectedFailure {
  readonly blockMs: number;
  readonly closesConnection: boolean;
  /** The error that replaces the reply. */
  readonly fault: CommandFault | null;
  /** Labels that replace those of the server; null to keep them. */
  readonly labels: string[] | null;
  /** The command is executed, and its reply reports this error. */
  readonly writeConcernError: BsonDocument | null;
}

/** The effect of a fail point on the end of a retryable write. */
export interface InterruptedWrite {
  /** True if the write is committed and only the reply is lost. */
  readonly isCommitted: boolean;
}

interface Counted {
  /** Number of commands that pass before the point applies. */
  skip: number;
  /** How often it still applies; Infinity for no limit. */
  times: number;
  /** The probability that it applies to a command. */
  readonly probability: number;
}

/** The test hooks `failCommand` and `onPrimaryTransactionalWrite`, which make commands fail as configured. */
export class FailPoints {
  readonly #points = new Map<string, Counted & { readonly data: BsonDocument }>();
  /** How often each point has applied. */
  readonly #acted = new Map<string, number>();

  /** Sets or clears a point for the command `configureFailPoint`. Returns how often it has applied so far. */
  configure(command: BsonDocument): number {
    const name = command.get("configureFailPoint");
    if (name !== FAIL_COMMAND && name !== FAIL_WRITE) {
      throw new CommandFault(
        2,
        `unknown fail point ${String(name)}: ${FAIL_COMMAND} and ${FAIL_WRITE} are known`,
      );
    }
    const acted = this.#acted.get(name) ?? 0;
    const mode = command.get("mode");
    if (mode === "off" || (isDocument(mode) && Number(mode.get("times")) === 0)) {
      this.#points.delete(name);
      return acted;
    }
    const data = command.get("data") ?? documentOf({});
    if (!isDocument(data)) throw new CommandFault(14, "the data of a fail point must be an object");
    if (name === FAIL_COMMAND && !Array.isArray(data.get("failCommands"))) {
      throw new CommandFault(2, "data.failCommands must be an array");
    }
    this.#points.set(name, { data, ...countsOf(mode) });
    return acted;
  }

  /** Returns the effect on a command; null if there is none. */
  takeCommand(
    command: string,
    { applicationName, namespace }: { applicationName: string | null; namespace: string },
  ): InjectedFailure | null {
    const data = this.#points.get(FAIL_COMMAND)?.data;
    if (data === undefined || !(data.get("failCommands") as BsonValue[]).includes(command)) return null;
    const wanted = data.get("appName");
    if (wanted !== undefined && wanted !== applicationName) return null;
    const only = data.get("namespace");
    if (only !== undefined && only !== namespace) return null;
    return this.#take(FAIL_COMMAND) ? failureOf(command, data) : null;
  }

  /** Returns the effect on a retryable write that is about to commit; null if there is none. */
  takeWrite(): InterruptedWrite | null {
    const data = this.#points.get(FAIL_WRITE)?.data;
    if (data === undefined || !this.#take(FAIL_WRITE)) return null;
    return { isCommitted: !data.has("failBeforeCommitExceptionCode") };
  }

  #take(name: string): boolean {
    const point = this.#points.get(name)!;
    if (point.skip > 0) {
      point.skip -= 1;
      return false;
    }
    if (Math.random() >= point.probability) return false;
    this.#acted.set(name, (this.#acted.get(name) ?? 0) + 1);
    point.times -= 1;
    if (point.times <= 0) this.#points.delete(name);
    return true;
  }
}

const FAIL_COMMAND = "failCommand";
const FAIL_WRITE = "onPrimaryTransactionalWrite";

function countsOf(mode: BsonValue | undefined): Counted {
  const always: Counted = { skip: 0, times: Number.POSITIVE_INFINITY, probability: 1 };
  if (mode === "alwaysOn") return always;
  if (isDocument(mode)) {
    if (mode.has("times")) return { ...always, times: Number(mode.get("times")) };
    if (mode.has("skip")) return { ...always, skip: Number(mode.get("skip")) };
    if (mode.has("activationProbability"))
      return { ...always, probability: Number(mode.get("activationProbability")) };
  }
  throw new CommandFault(
    2,
    "mode must be off, alwaysOn, { times: n }, { skip: n } or { activationProbability: p }",
  );
}

function failureOf(command: string, data: BsonDocument): InjectedFailure {
  const code = data.get("errorCode");
  const labels = data.get("errorLabels");
  const error = data.get("writeConcernError");
  return {
    blockMs: data.get("blockConnection") === true ? Number(data.get("blockTimeMS") ?? 0) : 0,
    closesConnection: data.get("closeConnection") === true,
    fault:
      code === undefined
        ? null
        : new CommandFault(Number(code), `Failing command via 'failCommand' failpoint: ${command}`),
    labels: Array.isArray(labels) ? (labels as string[]) : null,
    writeConcernError: isDocument(error) ? withMessage(error) : null,
  };
}

const withMessage = (error: BsonDocument): BsonDocument =>
  error.has("errmsg")
    ? error
    : documentOf({ ...Object.fromEntries(error), errmsg: "injected by a fail point" });
