import type { BsonDocument } from "./values.ts";

const CODE_NAMES: Readonly<Record<number, string>> = {
  1: "InternalError",
  2: "BadValue",
  5: "GraphContainsCycle",
  6: "HostUnreachable",
  7: "HostNotFound",
  8: "UnknownError",
  9: "FailedToParse",
  11: "UserNotFound",
  13: "Unauthorized",
  14: "TypeMismatch",
  15: "Overflow",
  16: "InvalidLength",
  17: "ProtocolError",
  18: "AuthenticationFailed",
  20: "IllegalOperation",
  22: "InvalidBSON",
  24: "LockTimeout",
  26: "NamespaceNotFound",
  27: "IndexNotFound",
  28: "PathNotViable",
  40: "ConflictingUpdateOperators",
  43: "CursorNotFound",
  48: "NamespaceExists",
  50: "MaxTimeMSExpired",
  51: "ManualInterventionRequired",
  52: "DollarPrefixedFieldName",
  53: "InvalidIdField",
  54: "NotSingleValueField",
  55: "InvalidDBRef",
  56: "EmptyFieldName",
  57: "DottedFieldName",
  59: "CommandNotFound",
  63: "StaleShardVersion",
  64: "WriteConcernFailed",
  66: "ImmutableField",
  67: "CannotCreateIndex",
  68: "IndexAlreadyExists",
  72: "InvalidOptions",
  73: "InvalidNamespace",
  79: "UnknownReplWriteConcern",
  85: "IndexOptionsConflict",
  86: "IndexKeySpecsConflict",
  89: "NetworkTimeout",
  91: "ShutdownInProgress",
  100: "UnsatisfiableWriteConcern",
  112: "WriteConflict",
  115: "CommandNotSupported",
  117: "ConflictingOperationInProgress",
  121: "DocumentValidationFailure",
  125: "CommandFailed",
  133: "FailedToSatisfyReadPreference",
  134: "ReadConcernMajorityNotAvailableYet",
  150: "StaleEpoch",
  166: "CommandNotSupportedOnView",
  167: "OptionNotSupportedOnView",
  168: "InvalidPipelineOperator",
  171: "CannotIndexParallelArrays",
  175: "QueryPlanKilled",
  181: "AmbiguousIndexKeyPattern",
  189: "PrimarySteppedDown",
  197: "InvalidIndexSpecificationOption",
  206: "NoSuchSession",
  224: "QueryFeatureNotAllowed",
  225: "TransactionTooOld",
  234: "RetryChangeStream",
  237: "CursorKilled",
  238: "NotImplemented",
  239: "SnapshotTooOld",
  241: "ConversionFailure",
  244: "TransactionAborted",
  246: "SnapshotUnavailable",
  251: "NoSuchTransaction",
  256: "TransactionCommitted",
  257: "TransactionTooLarge",
  261: "TooManyLogicalSessions",
  262: "ExceededTimeLimit",
  263: "OperationNotSupportedInTransaction",
  267: "PreparedTransactionInProgress",
  276: "IndexBuildAborted",
  279: "ClientDisconnect",
  282: "TransactionExceededLifetimeLimitSeconds",
  286: "ChangeStreamHistoryLost",
  291: "NoQueryExecutionPlans",
  292: "QueryExceededMemoryLimitNoDiskUseAllowed",
  314: "ObjectIsBusy",
  318: "MovePrimaryInProgress",
  322: "APIVersionError",
  323: "APIStrictError",
  324: "APIDeprecationError",
  352: "UnsupportedOpQueryCommand",
  391: "ReauthenticationRequired",
  462: "IngressRequestRateLimitExceeded",
  8000: "AtlasError",
  9001: "SocketException",
  10003: "CannotGrowDocumentInCappedNamespace",
  10107: "NotWritablePrimary",
  10334: "BSONObjectTooLarge",
  11000: "DuplicateKey",
  11600: "InterruptedAtShutdown",
  11601: "Interrupted",
  11602: "InterruptedDueToReplStateChange",
  12586: "BackgroundOperationInProgressForDatabase",
  12587: "BackgroundOperationInProgressForNamespace",
  13388: "StaleConfig",
  13435: "NotPrimaryNoSecondaryOk",
  13297: "DatabaseDifferCase",
  13436: "NotPrimaryOrSecondary",
  14031: "OutOfDiskSpace",
};

/** The name of an error code; codes without a name become `Location<code>`. */
const codeNameOf = (code: number): string => CODE_NAMES[code] ?? `Location${code}`;

/**
 * The class of all errors that clients of the embedded server receive.
 *
 * `code` and `codeName` are MongoDB's own, so that drivers treat the error like one of a real server; `labels`
 * are the driver labels (`TransientTransactionError`, `RetryableWriteError`).
 */
export class CommandFault extends Error {
  readonly code: number;
  readonly codeName: string;
  readonly labels: string[];

  constructor(code: number, message: string, labels: string[] = []) {
    super(message);
    this.name = "CommandFault";
    this.code = code;
    this.codeName = codeNameOf(code);
    this.labels = labels;
  }

  /** Additional fields of the reply that describe this kind of error. */
  details(): BsonDocument {
    return new Map();
  }
}

/**
 * Creates the error for an unsupported feature (code 115); the message names it and states that a real server has it.
 */
export const unsupported = (feature: string): CommandFault =>
  new CommandFault(
    115,
    `${feature} is not supported by the embedded MongoDB server; a real MongoDB server has it`,
  );
