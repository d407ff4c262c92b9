import { compileCollation } from "../../bson/collation.ts";
import { CommandFault, unsupported } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import type { Arguments } from "../request/arguments.ts";

/** Options of `create` for kinds of collections that only a real server supports. */
const REFUSED: Readonly<Record<string, string>> = {
  capped: "A capped collection",
  timeseries: "A time series collection",
  clusteredIndex: "A clustered collection",
  encryptedFields: "Queryable encryption",
};

const invalid = (reason: string): CommandFault => new CommandFault(72, reason);

/**
 * Returns the stored options of a new collection or view from those of `create`.
 *
 * @throws CommandFault 72, 14, 2 for invalid options, 115 for kinds of collections that only a real server supports
 */
export function collectionOptions(args: Arguments): BsonDocument {
  requireTogether(args);
  const collation = args.document("collation");
  if (args.value("collation") !== undefined && collation.size === 0)
    throw new CommandFault(2, "collation can't be an empty document");
  for (const [option, feature] of Object.entries(REFUSED)) {
    if (!isNothing(args.value(option))) throw unsupported(feature);
  }
  refuseImages(args);
  const spec = compileCollation(args.value("collation"))?.spec;
  if (args.value("viewOn") !== undefined) return viewOptions(args, spec);
  return documentOf({
    storageEngine: args.value("storageEngine") === undefined ? undefined : args.document("storageEngine"),
    ...validationOptions(args),
    collation: spec,
  });
}

const isNothing = (value: BsonValue | undefined): boolean =>
  value === undefined || value === false || (isDocument(value) && value.size === 0);

function requireTogether(args: Arguments): void {
  const has = (name: string) => args.value(name) !== undefined;
  const isCapped = args.flag("capped");
  if (isCapped && !has("size")) throw invalid("the 'size' field is required when 'capped' is true");
  if (!isCapped && (has("size") || has("max")))
    throw invalid("the 'capped' field needs to be true when either the 'size' or 'max' fields are present");
  if (has("pipeline") && !has("viewOn")) throw invalid("'pipeline' requires 'viewOn' to also be specified");
  if (has("expireAfterSeconds") && !has("timeseries") && !has("clusteredIndex"))
    throw invalid("'expireAfterSeconds' is only supported on time-series or clustered collections");
  if (!has("viewOn")) return;
  for (const option of ["capped", "validator", "validationLevel", "validationAction", "storageEngine"]) {
    if (has(option)) throw invalid(`Option not allowed with 'viewOn': ${option}`);
  }
}

/** @throws CommandFault 115 for images of documents before and after changes, which are for change streams */
export function refuseImages(args: Arguments): void {
  if (args.document("changeStreamPreAndPostImages").get("enabled") === true)
    throw unsupported("A change stream");
}

export const viewOptions = (args: Arguments, collation: BsonValue | undefined): BsonDocument =>
  documentOf({
    viewOn: args.text("viewOn"),
    pipeline: args.value("pipeline") === undefined ? [] : args.listOfDocuments("pipeline"),
    collation,
  });

const LEVELS = ["off", "strict", "moderate"];
const ACTIONS = ["error", "warn"];

/** Returns `validator` with its level and its action; empty if none of them is given. */
export function validationOptions(
  args: Arguments,
  before: BsonDocument = documentOf({}),
): Record<string, BsonValue | undefined> {
  const given = ["validator", "validationLevel", "validationAction"].some(
    (name) => args.value(name) !== undefined,
  );
  if (!given) return {};
  const validator =
    args.value("validator") === undefined ? before.get("validator") : args.document("validator");
  return {
    validator,
    validationLevel: choice(args, "validationLevel", LEVELS) ?? before.get("validationLevel") ?? "strict",
    validationAction: choice(args, "validationAction", ACTIONS) ?? before.get("validationAction") ?? "error",
  };
}

function choice(args: Arguments, name: string, choices: readonly string[]): string | undefined {
  if (args.value(name) === undefined) return undefined;
  const value = args.text(name);
  if (choices.includes(value)) return value;
  throw new CommandFault(
    2,
    `Enumeration value '${value}' for field '${name}' is not a valid value: it must be one of ${choices.join(", ")}`,
  );
}
