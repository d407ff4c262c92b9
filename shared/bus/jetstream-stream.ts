import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import { catalogue } from "../contracts/catalogue.ts";

/** All events. */
export const STREAM = "KINIT";
/** Events that could not be handled. */
export const DEAD_STREAM = "KINIT_DEAD";
export const subjectOf = (typeOrPattern: string): string => `kinit.${typeOrPattern}`;
export const deadSubjectOf = (group: string): string => `kinit.dead.${nameToken(group)}`;
/** A text as one token of a subject, or as part of a durable's name. */
export const nameToken = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]/g, "_");

/** Codes of JetStream's API errors. */
export const apiErrors = { consumerNotFound: 10_014, streamNotFound: 10_059 } as const;
export function apiErrorCode(error: unknown): number | undefined {
  return (error as Partial<NatsError>).api_error?.err_code;
}

export interface StreamLimits {
  /** Size at which the stream refuses events. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How long dead letters are kept. */
  readonly deadMaxAgeMs: number;
}

const DUPLICATE_WINDOW_MS = 120_000;

/** Creates both streams, or fits them to the limits; a stream whose storage or retention differs is an error. */
export async function ensureStreams(manager: JetStreamManager, limits: StreamLimits): Promise<void> {
  const stems = new Set(Object.keys(catalogue.contracts).map((type) => type.slice(0, type.indexOf("."))));
  await ensureStream(manager, {
    name: STREAM,
    subjects: [...stems].map((stem) => subjectOf(`${stem}.*`)),
    ...bounded(limits.maxBytes, limits.maxAgeMs),
  });
  await ensureStream(manager, {
    name: DEAD_STREAM,
    subjects: ["kinit.dead.>"],
    ...bounded(limits.maxBytes, limits.deadMaxAgeMs),
  });
}

/** A full stream refuses instead of forgetting: the sender still holds the event. */
function bounded(maxBytes: number, maxAgeMs: number) {
  return {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: maxBytes,
    max_age: nanos(maxAgeMs),
    duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, maxAgeMs)),
  };
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
  // During a rolling upgrade, processes that know fewer events must not take subjects away.
  const subjects = [...new Set([...existing.config.subjects, ...wanted.subjects])];
  await manager.streams.update(wanted.name, { ...wanted, subjects });
}
