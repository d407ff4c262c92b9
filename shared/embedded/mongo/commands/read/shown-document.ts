import { encodeDocument } from "../../bson/encode.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import { keyTuples } from "../../fields/index-keys.ts";
import type { QuerySpec, Row, Rows } from "../../planner/rows.ts";
import { compileProjection } from "../../query/projection.ts";
import type { Arguments } from "../request/arguments.ts";

/** The bytes under which a find shows a document that it has found. */
export type ShownDocument = (row: Row, rows: Rows) => Uint8Array;

/** Compiles the options that decide it: `projection`, `returnKey`, `showRecordId`. */
export function shownDocument(args: Arguments, spec: QuerySpec): ShownDocument {
  const projection = args.document("projection");
  const showsRecordId = args.flag("showRecordId");
  const returnsKey = args.flag("returnKey");
  if (projection.size === 0 && !showsRecordId && !returnsKey) return ({ source }) => source.bytes;
  const project =
    projection.size === 0
      ? (document: BsonDocument) => document
      : compileProjection(projection, spec.filter, spec);
  return (row, rows) => {
    const shown = returnsKey ? indexKeyOf(row, rows) : project(row.source.document);
    if (!showsRecordId) return encodeDocument(shown);
    return encodeDocument(new Map([...shown, ["$recordId", BigInt(row.record.id)]]));
  };
}

/** The indexed fields of a document; none where no index was used. */
function indexKeyOf({ source }: Row, { plan }: Rows): BsonDocument {
  if (plan.index === null) return documentOf({});
  const { fields } = plan.index;
  const [tuple] = keyTuples(
    source.document,
    fields.map(({ parts }) => parts),
  );
  return new Map(fields.map(({ path }, i) => [path, tuple?.[i] ?? null]));
}
