/** How an expression is read: by one of the cron dialects, as an interval, or as a date. */
export type ExpressionSyntax = "kinit" | "quartz" | "unix" | "interval" | "date";

/** Where in an expression a field is wrong, and with what. */
interface FieldFacts {
  /** e.g. `hour` */
  readonly part: string;
  /** Counted from 1, as users do. */
  readonly position: number;
  /** The offending piece, cut to 40 characters. */
  readonly token: string;
}

/** Why a definition is not a trigger, with the facts of each reason. */
interface ExpressionFacts {
  EXPRESSION_EMPTY: object;
  EXPRESSION_TOO_LONG: { readonly limit: number };
  /** Full-width characters such as `＊`. */
  EXPRESSION_FULL_WIDTH: object;
  FIELD_COUNT: { readonly least: number; readonly most: number; readonly actual: number };
  /** Quartz wants exactly one of day and weekday to be `?`. */
  DAY_OR_WEEKDAY: object;
  NICKNAME_UNKNOWN: { readonly nicknames: readonly string[] };
  /** No date satisfies day, month, weekday and year together. */
  NEVER_DUE: object;
  /** `forms` are the forms that the field may have, where the syntax lists them. */
  FIELD_UNREADABLE: FieldFacts & { readonly forms?: readonly string[] };
  FIELD_OUT_OF_RANGE: FieldFacts;
  /** `L`, `W`, `#` or `H` in the dialect `kinit`. */
  QUARTZ_FEATURE: FieldFacts;
  WEEKDAY_POSITION_UNREADABLE: FieldFacts;
  NAME_NOT_ALONE: FieldFacts;
  NAME_WITH_STEP: FieldFacts;
  STEP_ZERO: FieldFacts;
  STEP_WIDER_THAN_RANGE: FieldFacts & { readonly step: number; readonly width: number };
  STEP_OUT_OF_RANGE: FieldFacts & { readonly max: number };
  STEP_WITHOUT_RANGE: FieldFacts & { readonly example: string };
  RANGE_REVERSED: FieldFacts;
  YEARS_REVERSED: FieldFacts;
  DAY_OFFSET_OUT_OF_RANGE: FieldFacts & { readonly max: number };
  NTH_WEEKDAY_OUT_OF_RANGE: FieldFacts;
  INTERVAL_PART_UNREADABLE: FieldFacts;
  INTERVAL_TOO_LONG: { readonly days: number };
  DATE_UNREADABLE: { readonly token: string };
  DATE_PART_OUT_OF_RANGE: {
    readonly token: string;
    readonly part: DatePart;
    readonly min: number;
    readonly max: number;
  };
  DATE_NOT_IN_MONTH: { readonly token: string; readonly days: number };
}
export type DatePart = "year" | "month" | "hour" | "minute" | "second";

interface TriggerFacts {
  TIMEZONE_UNKNOWN: { readonly token: string };
  /** `endAt` is before `startAt`. */
  WINDOW_REVERSED: object;
  /** Nothing is left of the expression. */
  NO_OCCURRENCE: object;
  /** Something is left of the expression, but only after `endAt`. */
  NO_OCCURRENCE_BEFORE_END: object;
}

export type ExpressionReason = keyof ExpressionFacts;
export type TriggerReason = ExpressionReason | keyof TriggerFacts;

/** A fault of an expression, as the code that reads one syntax reports it. */
export type ExpressionFault<R extends ExpressionReason = ExpressionReason> = {
  [K in R]: { readonly reason: K; readonly expected: string } & ExpressionFacts[K];
}[R];

/** `data` of `TRIGGER_INVALID`. */
export type TriggerFault =
  | ({ readonly field: "expression"; readonly syntax: ExpressionSyntax } & ExpressionFault)
  | {
      [K in keyof TriggerFacts]: {
        readonly field: "expression" | "timezone" | "endAt";
        readonly reason: K;
        readonly expected: string;
      } & TriggerFacts[K];
    }[keyof TriggerFacts];
