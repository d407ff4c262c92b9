import { AppError } from "../errors.ts";

/** Identifies one intended change, so that repeated calls are recognised; the same at every node the call reaches. */
export interface CommandRef {
  /** 24 hexadecimal digits, unique for each intended change. */
  readonly id: string;
  /** Instant (ms) after which the command is not carried out any more. */
  readonly deadline: number;
}

/** A command arrived, or came to be decided, after its deadline. Nothing was changed. */
export class CommandLate extends AppError {
  constructor() {
    super(
      "The command was not carried out before its deadline and changes nothing any more; send it again. Where this happens to every command, the clocks of the machines differ.",
      { type: "COMMAND_LATE" },
    );
  }
}

const ID = "command-id";
const DEADLINE = "command-deadline";

/** Headers of a Moleculer call; unlike `meta` they are not merged into those of the caller. */
export function commandHeaders({ id, deadline }: CommandRef): Record<string, string> {
  return { [ID]: id, [DEADLINE]: String(deadline) };
}

/** The command of a call; null where the caller named none. */
export function commandOf(headers: Readonly<Record<string, unknown>> | undefined): CommandRef | null {
  const id = headers?.[ID];
  const deadline = Number(headers?.[DEADLINE]);
  return typeof id === "string" && /^[0-9a-f]{24}$/.test(id) && Number.isFinite(deadline)
    ? { id, deadline }
    : null;
}
