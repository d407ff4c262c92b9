import { describe, it } from "node:test";
import type { SessionEvent } from "../../../shared/contracts/session-events.ts";
import { given } from "../../../test/given.ts";
import { session } from "./session.ts";

const sessionId = "66f2a1b00a1b2c3d4e5f6070";
const commandId = "66f2a1b00a1b2c3d4e5f6071";
const t0 = Date.UTC(2026, 0, 5, 8);
const iso = (ms: number) => new Date(ms).toISOString();
const hour = 3_600_000;

const started: SessionEvent = {
  type: "session.started",
  data: { sessionId, userId: 7, address: "::1", device: "curl", expiresAt: iso(t0 + hour), at: iso(t0) },
};
const refreshed: SessionEvent = {
  type: "session.refreshed",
  data: { sessionId, userId: 7, generation: 2, commandId, expiresAt: iso(t0 + 2 * hour), at: iso(t0 + 1) },
};
const ended: SessionEvent = {
  type: "session.ended",
  data: { sessionId, userId: 7, reason: "logout", at: iso(t0 + 2) },
};
const story = given(session);
const refresh = (generation: number, more: { commandId?: string; now?: number } = {}) =>
  ({
    type: "refresh",
    sessionId,
    generation,
    commandId: "66f2a1b00a1b2c3d4e5f6072",
    now: t0 + 1,
    expiresAt: t0 + 2 * hour,
    ...more,
  }) as const;

describe("starting a session", () => {
  const start = {
    type: "start",
    sessionId,
    userId: 7,
    address: "::1",
    device: "curl",
    now: t0,
    expiresAt: t0 + hour,
  } as const;
  it("records who logged in, from where and until when", () => story().when(start).then(started));
  it("a second time changes nothing", () => story(started).when(start).thenNothing());
});

describe("refreshing a session", () => {
  it("with the newest token accepts the next one from then on", () =>
    story(started).when(refresh(1, { commandId })).then(refreshed));
  it("with a token that was used before ends the session", () =>
    story(started, refreshed)
      .when(refresh(1))
      .then({
        type: "session.ended",
        data: { sessionId, userId: 7, reason: "token_reused", at: iso(t0 + 1) },
      }));
  it("by the same command again changes nothing", () =>
    story(started, refreshed).when(refresh(1, { commandId })).thenNothing());
  it("with a token that is not issued yet ends the session", () =>
    story(started)
      .when(refresh(2))
      .thenLike({ type: "session.ended", data: { reason: "token_reused" } }));
  it("is rejected once it has expired", () =>
    story(started)
      .when(refresh(1, { now: t0 + hour }))
      .thenThrows("SESSION_ENDED"));
  it("is rejected once it has ended", () =>
    story(started, ended).when(refresh(1)).thenThrows("SESSION_ENDED"));
  it("is rejected where there is none", () => story().when(refresh(1)).thenThrows("SESSION_ENDED"));
});

describe("ending a session", () => {
  const end = { type: "end", sessionId, reason: "logout", now: t0 + 2 } as const;
  it("records the reason", () => story(started).when(end).then(ended));
  it("a second time changes nothing", () => story(started, ended).when(end).thenNothing());
  it("that never was changes nothing", () => story().when(end).thenNothing());
});
