import { AppError } from "../errors.ts";

/** What makes a repeated call of a changing action recognisable. It stays the same at every node the call reaches. */
export interface CommandRef {
  /** 24 hexadecimal digits, unique for each intended change. */
  readonly id: string;
  /** Instant (ms) after which nobody carries the command out any more. */
  readonly deadline: number;
}

/** A command came, or was to be decided, after its deadline. Nothing was changed. */
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

/** Moleculer's headers of a call, which go with it and, unlike `meta`, are not merged into the caller's. */
export function commandHeaders({ id, deadline }: CommandRef): Record<string, string> {
  return { [ID]: id, [DEADLINE]: String(deadline) };
}

/** The command that a call carries; null where the caller named none. */
export function commandOf(headers: Readonly<Record<string, unknown>> | undefined): CommandRef | null {
  const id = headers?.[ID];
  const deadline = Number(headers?.[DEADLINE]);
  return typeof id === "string" && /^[0-9a-f]{24}$/.test(id) && Number.isFinite(deadline)
    ? { id, deadline }
    : null;
}
