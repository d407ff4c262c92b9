import { hostname } from "node:os";
import { encodeDocument } from "../../bson/encode.ts";
import { newObjectId } from "../../bson/new-object-id.ts";
import { BsonDate, type BsonDocument, BsonDouble, documentOf } from "../../bson/values.ts";
import type { Operation } from "../../server/activity.ts";
import type { Reply } from "../../wire/reply.ts";
import { Arguments } from "../request/arguments.ts";

const MAX_COMMAND_BYTES = 50_000;

/** One entry, or one for each statement of an update or a delete. */
export function profileEntries(operation: Operation, { body, cursor }: Reply, ms: number): BsonDocument[] {
  const { name, kind, database, collection, request, client, startedAt } = operation;
  const isFailed = Number((body.get("ok") as BsonDouble | undefined)?.value ?? 1) === 0;
  const entryOf = (command: BsonDocument): BsonDocument =>
    documentOf({
      _id: newObjectId(),
      op: kind,
      ns: `${database}.${collection ?? "$cmd"}`,
      command: shortened(command, name),
      nreturned: cursor?.documents.length,
      cursorid: cursor !== undefined && cursor.id !== 0n ? cursor.id : undefined,
      ok: isFailed ? new BsonDouble(0) : undefined,
      errMsg: isFailed ? body.get("errmsg") : undefined,
      errCode: isFailed ? body.get("code") : undefined,
      millis: Math.floor(ms),
      ts: new BsonDate(startedAt + Math.floor(ms)),
      client: hostname(),
      appName: client.applicationName ?? undefined,
      user: "",
    });
  if (!isFailed && (name === "update" || name === "delete"))
    return new Arguments(request).statements(`${name}s`).map(({ command }) => entryOf(command));
  return [entryOf(request.command)];
}

function shortened(command: BsonDocument, name: string): BsonDocument {
  const recorded: BsonDocument = new Map([...command].filter(([field]) => field !== "$clusterTime"));
  return encodeDocument(recorded).length <= MAX_COMMAND_BYTES ? recorded : documentOf({ $truncated: name });
}
