import { encodeDocument } from "../../bson/encode.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import { keyTuples } from "../../fields/index-keys.ts";
import type { QuerySpec, Row, Rows } from "../../planner/rows.ts";
import { compileProjection } from "../../query/projection.ts";
import type { Arguments } from "../request/arguments.ts";

/** Converts a found document to the bytes of the result. */
export type ResultFormat = (row: Row, rows: Rows) => Uint8Array;

/** Compiles the options of results: `projection`, `returnKey`, `showRecordId`. */
export function resultFormat(args: Arguments, spec: QuerySpec): ResultFormat {
  const projection = args.document("projection");
  const showsRecordId = args.flag("showRecordId");
  const returnsKey = args.flag("returnKey");
  if (projection.size === 0 && !showsRecordId && !returnsKey) return ({ source }) => source.bytes;
  const project =
    projection.size === 0
      ? (document: BsonDocument) => document
      : compileProjection(projection, spec.filter, spec);
  return (row, rows) => {
    const result = returnsKey ? indexKeyOf(row, rows) : project(row.source.document);
    if (!showsRecordId) return encodeDocument(result);
    return encodeDocument(new Map([...result, ["$recordId", BigInt(row.record.id)]]));
  };
}

/** The indexed fields of a document; empty if no index was used. */
function indexKeyOf({ source }: Row, { plan }: Rows): BsonDocument {
  if (plan.index === null) return documentOf({});
  const { fields } = plan.index;
  const [tuple] = keyTuples(
    source.document,
    fields.map(({ parts }) => parts),
  );
  return new Map(fields.map(({ path }, i) => [path, tuple?.[i] ?? null]));
}
