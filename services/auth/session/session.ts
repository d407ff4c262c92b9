import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { SessionEvent } from "../../../shared/contracts/session-events.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";

export type SessionState = { readonly status: "none" } | OpenSession | EndedSession;
interface OpenSession {
  readonly status: "open";
  readonly userId: number;
  /** The number of the refresh token that is accepted. */
  readonly generation: number;
  /** The command of the newest refresh, so that its repetition is recognised. */
  readonly refreshedBy: string | null;
  /** Milliseconds. */
  readonly expiresAt: number;
}
interface EndedSession {
  readonly status: "ended";
  readonly userId: number;
}

export type SessionCommand =
  | {
      type: "start";
      sessionId: string;
      userId: number;
      address: string;
      device: string;
      now: number;
      expiresAt: number;
    }
  | {
      type: "refresh";
      sessionId: string;
      generation: number;
      commandId: string;
      now: number;
      expiresAt: number;
    }
  | { type: "end"; sessionId: string; reason: "logout" | "revoked" | "password_changed"; now: number };

/** The session has ended, has expired, or never existed. */
export class SessionEnded extends AppError {
  constructor() {
    super("The session has ended; log in again", { type: "SESSION_ENDED" });
  }
}

/**
 * The life of a login. Each refresh token is good for one refresh. One that was used already is in two hands, and which
 * of them is the thief's cannot be known, so its session ends.
 */
export const session: Decider<SessionState, SessionCommand, SessionEvent> = {
  initialState: { status: "none" },

  decide(command, state) {
    const { sessionId, now } = command;
    const at = isoInstant(now);
    switch (command.type) {
      case "start": {
        if (state.status !== "none") return [];
        const { userId, address, device, expiresAt } = command;
        const data = { sessionId, userId, address, device, expiresAt: isoInstant(expiresAt), at };
        return [{ type: "session.started", data }];
      }
      case "refresh": {
        if (state.status !== "open" || now >= state.expiresAt) throw new SessionEnded();
        if (isRepeated(command, state)) return [];
        const { userId } = state;
        if (command.generation !== state.generation)
          return [{ type: "session.ended", data: { sessionId, userId, reason: "token_reused", at } }];
        const generation = state.generation + 1;
        const expiresAt = isoInstant(command.expiresAt);
        const data = { sessionId, userId, generation, commandId: command.commandId, expiresAt, at };
        return [{ type: "session.refreshed", data }];
      }
      case "end":
        if (state.status !== "open") return [];
        return [
          { type: "session.ended", data: { sessionId, userId: state.userId, reason: command.reason, at } },
        ];
      default:
        command satisfies never;
        return [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case "session.started": {
        const { userId, expiresAt } = event.data;
        return { status: "open", userId, generation: 1, refreshedBy: null, expiresAt: Date.parse(expiresAt) };
      }
      case "session.refreshed": {
        if (state.status !== "open") return state;
        const { generation, commandId, expiresAt } = event.data;
        return { ...state, generation, refreshedBy: commandId, expiresAt: Date.parse(expiresAt) };
      }
      case "session.ended":
        return { status: "ended", userId: event.data.userId };
      default:
        event satisfies never;
        return state;
    }
  },
};

/** The same call once more, because the node that executed it died before it returned. */
function isRepeated(
  { generation, commandId }: Extract<SessionCommand, { type: "refresh" }>,
  state: OpenSession,
): boolean {
  return generation === state.generation - 1 && commandId === state.refreshedBy;
}
