import { encodeDocument } from "../../bson/encode.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { type ResultSource, takeBatch } from "../../server/cursors.ts";
import type { Reply } from "../../wire/reply.ts";
import { type CommandContext, timeSliceOf } from "./context.ts";
import { fields } from "./known-fields.ts";

const FIRST_BATCH = 101;
const CURSOR_FIELDS = fields("batchSize");

export interface OpenedCursor {
  readonly namespace: string;
  readonly source: ResultSource;
  /** Maximum number of documents in the reply. */
  readonly batchSize?: number;
  /** The cursor is closed after the first batch. */
  readonly isSingleBatch?: boolean;
  readonly slice?: TimeSlice;
}

/** Replies with the first batch of results and keeps a cursor for the rest. */
export async function replyWithCursor(
  context: CommandContext,
  {
    namespace,
    source,
    batchSize = FIRST_BATCH,
    isSingleBatch = false,
    slice = timeSliceOf(context),
  }: OpenedCursor,
): Promise<Reply> {
  const { server, session, transaction, number, args } = context;
  const transactionNumber = transaction === null ? null : number;
  const neverExpires = args.command.get("noCursorTimeout") === true;
  const cursor = server.cursors.open({ namespace, source, session, transactionNumber, neverExpires });
  let isKept = false;
  try {
    const { documents, isLast } = await takeBatch(cursor, batchSize, slice);
    isKept = !isLast && !isSingleBatch && !source.isDone;
    const id = isKept ? cursor.id : 0n;
    const atClusterTime = context.snapshot?.time;
    return { body: documentOf({}), cursor: { field: "firstBatch", id, namespace, documents, atClusterTime } };
  } finally {
    if (!isKept) server.cursors.kill(cursor.id);
  }
}

/** A source of existing documents. */
export function listSource(documents: readonly BsonDocument[]): ResultSource {
  let at = 0;
  return {
    next: () => (at < documents.length ? encodeDocument(documents[at++]!) : null),
    get isDone() {
      return at >= documents.length;
    },
  };
}

/** Reads `cursor: { batchSize }` of commands that return a cursor. */
export function cursorBatchSize({ args }: CommandContext): number | undefined {
  const cursor = args.inner("cursor");
  cursor.requireKnown(CURSOR_FIELDS);
  return cursor.value("batchSize") === undefined ? undefined : cursor.count("batchSize", 0);
}
