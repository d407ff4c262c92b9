import { authTestEvents } from "./auth-test-contracts.ts";
import type { Envelope, EventOf } from "./event.ts";
import { eventFamily } from "./event.ts";
import { hotlistEvents } from "./hotlist-events.ts";
import { operationEvents } from "./operation-events.ts";
import { roleEvents } from "./role-contracts.ts";
import { runEvents } from "./run-events.ts";
import { sessionEvents } from "./session-events.ts";
import { taskEvents } from "./task-events.ts";
import { userEvents } from "./user-contracts.ts";

/** Every event that may appear on the bus. */
export const catalogue = eventFamily({
  ...taskEvents.contracts,
  ...runEvents.contracts,
  ...hotlistEvents.contracts,
  ...operationEvents.contracts,
  ...sessionEvents.contracts,
  ...userEvents.contracts,
  ...roleEvents.contracts,
  ...authTestEvents.contracts,
});

export type DomainEvent = EventOf<typeof catalogue.contracts>;
export type EventType = DomainEvent["type"];

/** The stored and sent form of one event type, or of any. */
export type DomainEnvelope<T extends EventType = EventType> = Envelope<Extract<DomainEvent, { type: T }>>;

type Family<P extends string> = P extends `${infer Stem}.*` ? Extract<EventType, `${Stem}.${string}`> : never;
/** A channel's key: one event type, or a family such as `run.*`. A misspelt one does not compile. */
export type EventPattern =
  | EventType
  | "task.*"
  | "run.*"
  | "hotlist.*"
  | "session.*"
  | "user.*"
  | "role.*"
  | "auth_test.*";
/** The event types that a pattern matches. */
export type Matching<P extends EventPattern> = P extends EventType ? P : Family<P>;

/** True where an event type is matched by a channel's pattern. */
export function matchesPattern(pattern: EventPattern, type: string): boolean {
  return pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** Narrows an event to the types of a pattern, e.g. one of a stream to `task.*`. */
export function isOf<const P extends EventPattern, E extends { readonly type: EventType }>(
  pattern: P,
  event: E,
): event is Extract<E, { readonly type: Matching<P> }> {
  return matchesPattern(pattern, event.type);
}
