import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import { catalogue } from "../../contracts/catalogue.ts";

/** All events. */
export const STREAM = "KINIT";
/** Events that could not be handled. */
export const DEAD_STREAM = "KINIT_DEAD";
export const subjectOf = (typeOrPattern: string): string => `kinit.${typeOrPattern}`;
export const deadSubjectOf = (group: string): string => `kinit.dead.${nameToken(group)}`;
/** Returns a text as one token of a subject, or as part of a durable's name. */
export const nameToken = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]/g, "_");

/** Returns the pattern that `subjectOf` was called with; empty for subjects of other programs. */
export const eventPatternOf = (subject: string): string =>
  subject.startsWith("kinit.") ? subject.slice(6) : "";
/** `executor__task_due`: one durable consumer for each group and pattern. */
export const durableOf = (group: string, pattern: string): string =>
  `${nameToken(group)}__${nameToken(pattern.replace("*", "all"))}`;

/** Codes of JetStream's API errors. */
export const apiErrors = {
  consumerNotFound: 10_014,
  noMessageFound: 10_037,
  streamNotFound: 10_059,
} as const;
export function apiErrorCode(error: unknown): number | undefined {
  return (error as Partial<NatsError>).api_error?.err_code;
}

/** Limits of the dead letter stream. The event stream has none at the server: see `StreamRoom`. */
export interface DeadLetterLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Changes when the stream is deleted and created again, because its creation time differs. */
export async function identityOf(manager: JetStreamManager): Promise<string> {
  return `${STREAM} created ${(await manager.streams.info(STREAM)).created}`;
}

const DUPLICATE_WINDOW_MS = 120_000;

/** Creates or updates both streams. Throws if a stream exists with another storage or retention. */
export async function ensureStreams(manager: JetStreamManager, dead: DeadLetterLimits): Promise<void> {
  const stems = new Set(Object.keys(catalogue.contracts).map((type) => type.slice(0, type.indexOf("."))));
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
  await ensureStream(manager, {
    name: STREAM,
    subjects: [...stems].map((stem) => subjectOf(`${stem}.*`)),
    ...common,
    max_bytes: -1,
    max_age: 0,
  });
  await ensureStream(manager, {
    name: DEAD_STREAM,
    subjects: ["kinit.dead.>"],
    ...common,
    max_bytes: dead.maxBytes,
    max_age: nanos(dead.maxAgeMs),
  });
}

async function ensureStream(
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string; subjects: string[] },
): Promise<void> {
  const existing = await manager.streams.info(wanted.name).catch((error) => {
    if (apiErrorCode(error) === apiErrors.streamNotFound) return undefined;
    throw error;
  });
  if (!existing) {
    await manager.streams.add(wanted);
    return;
  }
  // During a rolling upgrade, a process that knows fewer events must not remove subjects.
  const subjects = [...new Set([...existing.config.subjects, ...wanted.subjects])];
  await manager.streams.update(wanted.name, { ...wanted, subjects });
}
