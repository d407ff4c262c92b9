import { compileCollation } from "../bson/collation.ts";
import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../bson/values.ts";
import { valueAt } from "../fields/path.ts";
import { compileMatch } from "../query/match.ts";
import type { Matcher } from "../query/matcher.ts";
import type { LazyDocument } from "./lazy-document.ts";

/** A document fails its collection's validator (code 121). `errInfo` names the clauses that it violates. */
export class DocumentValidationFailure extends CommandFault {
  readonly #errInfo: BsonDocument;

  constructor(errInfo: BsonDocument) {
    super(121, "Document failed validation");
    this.#errInfo = errInfo;
  }

  override details(): BsonDocument {
    return documentOf({ errInfo: this.#errInfo });
  }
}

interface Clause {
  readonly filter: BsonDocument;
  readonly path: string;
  readonly match: Matcher;
}

/** The rules for documents that are written to a collection. */
export interface DocumentRules {
  /**
   * @param before the document that is replaced; null for an insert
   * @throws DocumentValidationFailure
   */
  check(document: LazyDocument, before: LazyDocument | null): void;
}

/**
 * Compiles the rules in a collection's options. Returns null if there are none.
 *
 * @throws CommandFault for a validator that is not a valid filter, 115 for one that this server cannot evaluate
 */
export function documentRules(options: BsonDocument): DocumentRules | null {
  const validator = options.get("validator");
  const level = options.get("validationLevel") ?? "strict";
  if (!isDocument(validator) || validator.size === 0) return null;
  const match = compileMatch(validator, { collation: compileCollation(options.get("collation")) });
  const clauses = clausesOf(validator);
  if (level === "off" || options.get("validationAction") === "warn") return null;
  return {
    check: ({ document }, before) => {
      if (match(document)) return;
      if (level === "moderate" && before !== null && !match(before.document)) return;
      throw new DocumentValidationFailure(
        documentOf({ failingDocumentId: document.get("_id"), details: detailsOf(clauses, document) }),
      );
    },
  };
}

/** A filter is a conjunction: each operator of each field is a clause of its own. */
const clausesOf = (validator: BsonDocument): Clause[] =>
  [...validator].flatMap(([path, condition]) =>
    separated(path, condition).map((filter) => ({ filter, path, match: compileMatch(filter) })),
  );

function separated(path: string, condition: BsonValue): BsonDocument[] {
  const isPlain = !isDocument(condition) || !condition.keys().next().value?.startsWith("$");
  if (path.startsWith("$") || isPlain || condition.has("$regex")) return [new Map([[path, condition]])];
  return [...condition].map(([operator, operand]) => new Map([[path, new Map([[operator, operand]])]]));
}

function detailsOf(clauses: readonly Clause[], document: BsonDocument): BsonDocument {
  const broken = clauses
    .map((clause, index) => ({ clause, index }))
    .filter(({ clause }) => !clause.match(document));
  if (clauses.length === 1) return clauseDetails(clauses[0]!, document);
  return documentOf({
    operatorName: "$and",
    clausesNotSatisfied: broken.map(({ clause, index }) =>
      documentOf({ index, details: clauseDetails(clause, document) }),
    ),
  });
}

const REASONS: Readonly<Record<string, string>> = {
  $type: "type did not match",
  $exists: "path does not exist",
  $in: "no matching value found in array",
  $regex: "regular expression did not match",
};

function clauseDetails({ filter, path }: Clause, document: BsonDocument): BsonDocument {
  if (path.startsWith("$")) {
    return documentOf({ operatorName: path, specifiedAs: filter, reason: "expression did not match" });
  }
  const condition = filter.get(path)!;
  const first = isDocument(condition) ? condition.keys().next().value : undefined;
  const operatorName = first?.startsWith("$") ? first : "$eq";
  const considered = valueAt(document, path.split("."));
  const isMissing = considered === undefined && operatorName !== "$exists";
  return documentOf({
    operatorName,
    specifiedAs: filter,
    reason: isMissing ? "field was missing" : (REASONS[operatorName] ?? "comparison failed"),
    consideredValue: considered,
    consideredType: operatorName === "$type" && !isMissing ? typeNameOf(considered) : undefined,
  });
}
