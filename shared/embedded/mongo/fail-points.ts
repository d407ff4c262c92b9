import { CommandFault } from "./bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "./bson/values.ts";

interface FailPoint {
  readonly commands: ReadonlySet<string>;
  readonly data: BsonDocument;
  /** Commands that still pass before the point acts. */
  skip: number;
  /** How often it still acts; Infinity for ever. */
  times: number;
}

/** What a fail point does to one command. */
export interface InjectedFailure {
  readonly blockMs: number;
  readonly closesConnection: boolean;
  /** The error instead of an answer. */
  readonly fault: CommandFault | null;
  /** Labels that replace those that the server would give; null where it decides. */
  readonly labels: string[] | null;
  /** The command is carried out, and its answer reports this. */
  readonly writeConcernError: BsonDocument | null;
}

/** The test hook `failCommand`: makes named commands fail in a stated way. */
export class FailPoints {
  #failCommand: FailPoint | null = null;

  /** Sets or clears the point as the command `configureFailPoint` says. */
  configure(command: BsonDocument): void {
    const name = command.get("configureFailPoint");
    if (name !== "failCommand")
      throw new CommandFault(2, `unknown fail point ${String(name)}: only failCommand is known`);
    const mode = command.get("mode");
    if (mode === "off") {
      this.#failCommand = null;
      return;
    }
    const data = command.get("data");
    const commands = isDocument(data) ? data.get("failCommands") : undefined;
    if (!isDocument(data) || !Array.isArray(commands))
      throw new CommandFault(2, "data.failCommands must be an array");
    this.#failCommand = { commands: new Set(commands as string[]), data, ...countsOf(mode) };
  }

  /** What happens to a command now; null where it is left alone. */
  take(command: string, applicationName: string | null): InjectedFailure | null {
    const point = this.#failCommand;
    if (point === null || !point.commands.has(command)) return null;
    const wanted = point.data.get("appName");
    if (wanted !== undefined && wanted !== applicationName) return null;
    if (point.skip > 0) {
      point.skip -= 1;
      return null;
    }
    point.times -= 1;
    if (point.times <= 0) this.#failCommand = null;
    return failureOf(command, point.data);
  }
}

function countsOf(mode: BsonValue | undefined): { skip: number; times: number } {
  if (mode === "alwaysOn") return { skip: 0, times: Number.POSITIVE_INFINITY };
  if (isDocument(mode) && mode.has("times")) return { skip: 0, times: Number(mode.get("times")) };
  if (isDocument(mode) && mode.has("skip"))
    return { skip: Number(mode.get("skip")), times: Number.POSITIVE_INFINITY };
  throw new CommandFault(2, "mode must be off, alwaysOn, { times: n } or { skip: n }");
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
