import { type EventOf, event, eventFamily } from "./event.ts";

const sessionId = "66f2a1b00a1b2c3d4e5f6070";
const userId = { type: "number", integer: true, min: 1 } as const;
const shared = { version: 1, source: "auth", stream: "session" } as const;
const at = "2026-01-05T08:00:00.000Z";

export const sessionEvents = eventFamily({
  "session.started": event({
    ...shared,
    summary: "A user logged in.",
    data: {
      sessionId: "id",
      userId,
      address: { type: "string", max: 64 },
      device: { type: "string", max: 200 },
      expiresAt: "instant",
      at: "instant",
    },
    example: {
      sessionId,
      userId: 7,
      address: "192.0.2.7",
      device: "curl/8.5.0",
      expiresAt: "2026-02-04T08:00:00.000Z",
      at,
    },
  }),
  "session.refreshed": event({
    ...shared,
    summary: "A refresh token was exchanged for the next one.",
    data: {
      sessionId: "id",
      userId,
      /** The number of the refresh token that is accepted from now on. */
      generation: { type: "number", integer: true, min: 2 },
      commandId: "id",
      expiresAt: "instant",
      at: "instant",
    },
    example: {
      sessionId,
      userId: 7,
      generation: 2,
      commandId: "66f2a1b00a1b2c3d4e5f6071",
      expiresAt: "2026-02-04T08:10:00.000Z",
      at: "2026-01-05T08:10:00.000Z",
    },
  }),
  "session.ended": event({
    ...shared,
    summary:
      "A session ended: its user logged out, somebody ended it, the user's password was changed, or a refresh token was used twice.",
    data: {
      sessionId: "id",
      userId,
      reason: { type: "enum", values: ["logout", "revoked", "password_changed", "token_reused"] },
      at: "instant",
    },
    example: { sessionId, userId: 7, reason: "logout", at: "2026-01-05T09:00:00.000Z" },
  }),
});

export type SessionEvent = EventOf<typeof sessionEvents.contracts>;
