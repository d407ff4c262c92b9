const CODE_NAMES: Readonly<Record<number, string>> = {
  1: "InternalError",
  2: "BadValue",
  5: "GraphContainsCycle",
  8: "UnknownError",
  9: "FailedToParse",
  13: "Unauthorized",
  14: "TypeMismatch",
  15: "Overflow",
  16: "InvalidLength",
  17: "ProtocolError",
  20: "IllegalOperation",
  22: "InvalidBSON",
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
  66: "ImmutableField",
  67: "CannotCreateIndex",
  68: "IndexAlreadyExists",
  72: "InvalidOptions",
  73: "InvalidNamespace",
  85: "IndexOptionsConflict",
  86: "IndexKeySpecsConflict",
  112: "WriteConflict",
  115: "CommandNotSupported",
  121: "DocumentValidationFailure",
  166: "CommandNotSupportedOnView",
  167: "OptionNotSupportedOnView",
  168: "InvalidPipelineOperator",
  197: "InvalidIndexSpecificationOption",
  206: "NoSuchSession",
  225: "TransactionTooOld",
  237: "CursorKilled",
  238: "NotImplemented",
  241: "ConversionFailure",
  244: "TransactionAborted",
  251: "NoSuchTransaction",
  256: "TransactionCommitted",
  257: "TransactionTooLarge",
  263: "OperationNotSupportedInTransaction",
  276: "IndexBuildAborted",
  282: "TransactionExceededLifetimeLimitSeconds",
  292: "QueryExceededMemoryLimitNoDiskUseAllowed",
  10334: "BSONObjectTooLarge",
  11000: "DuplicateKey",
  11600: "InterruptedAtShutdown",
  13388: "StaleConfig",
};

/** The name that a client sees beside an error code; codes without a name of their own read `Location<code>`. */
export const codeNameOf = (code: number): string => CODE_NAMES[code] ?? `Location${code}`;

/**
 * Every error that a client of the embedded server sees.
 *
 * `code` and `codeName` are MongoDB's own, so that drivers treat the error as they would a real server's;
 * `labels` are the driver labels (`TransientTransactionError`, `RetryableWriteError`).
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
}

/** Refuses what the embedded server does not have, naming the feature and where it is to be had (code 115). */
export const unsupported = (feature: string): CommandFault =>
  new CommandFault(
    115,
    `${feature} is not supported by the embedded MongoDB server; a real MongoDB server has it`,
  );
