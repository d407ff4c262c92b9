import type {
  DatePart,
  ExpressionFault,
  ExpressionReason,
  ExpressionSyntax,
  TriggerFault,
  TriggerReason,
} from "../../../shared/contracts/trigger-faults.ts";
import type { Text } from "./language.ts";

type Texts = { readonly [R in TriggerReason]: (fault: Extract<TriggerFault, { reason: R }>) => Text };

/** The fields of each syntax, in order. */
const LAYOUTS: Readonly<Record<ExpressionSyntax, Text>> = {
  kinit: { zh: "秒 分 时 日 月 周 [年]", en: "second minute hour day month weekday [year]" },
  quartz: { zh: "秒 分 时 日 月 周 [年]", en: "second minute hour day month weekday [year]" },
  unix: { zh: "分 时 日 月 周", en: "minute hour day month weekday" },
  interval: { zh: "秒 分 时 日 周", en: "second minute hour day week" },
  date: { zh: "年 月 日 时 分 秒", en: "year month day hour minute second" },
};

/** What services expect, where it has words; digits and examples are the same in both languages. */
const EXPECTED_ZH: Readonly<Record<string, string>> = {
  "1-31 or last": "1-31 或 last",
  "1-12 or jan-dec": "1-12 或 jan-dec",
  "1-12 or JAN-DEC": "1-12 或 JAN-DEC",
  "0-6 (0 is Monday, 6 is Sunday) or mon-sun": "0-6（0 为周一，6 为周日）或 mon-sun",
  "0-7 (0 and 7 are Sunday) or sun-sat": "0-7（0 与 7 均为周日）或 sun-sat",
  "1-31, ?, L, L-3, LW or 15W": "1-31、?、L、L-3、LW 或 15W",
  "1-7 (1 is Sunday, 7 is Saturday), SUN-SAT, ?, 6L or 6#3":
    "1-7（1 为周日，7 为周六）、SUN-SAT、?、6L 或 6#3",
  "a date that exists; February has 29 days at most": "存在的日期，例如 2 月最多 29 日",
};

/** What would be right, for `errors[].expected`. */
export function expectedText({ field, expected }: TriggerFault): Text {
  const en = field === "endAt" ? expected.replace("startAt", "start_datetime") : expected;
  return { zh: EXPECTED_ZH[en] ?? en, en };
}

const DATE_PARTS_ZH: Readonly<Record<DatePart, string>> = {
  year: "年份",
  month: "月份",
  hour: "小时",
  minute: "分钟",
  second: "秒",
};

type InField = Extract<ExpressionFault, { position: number }>;
/** A sentence about the piece of one field. */
function inField(fault: TriggerFault & InField, wrong: Text): Text {
  const { position, part, token } = fault;
  return inExpression(fault, {
    zh: `第 ${position} 个字段 ${part} 的值 "${token}" ${wrong.zh}`,
    en: `"${token}" in field ${position} (${part}) ${wrong.en}`,
  });
}

type InExpression = Extract<TriggerFault, { syntax: ExpressionSyntax }>;
function inExpression({ syntax }: Pick<InExpression, "syntax">, wrong: Text): Text {
  const name = syntax === "interval" || syntax === "date" ? syntax : "Cron";
  const english = name === "Cron" ? "cron" : name;
  return { zh: `无效的 ${name} 表达式：${wrong.zh}`, en: `Invalid ${english} expression: ${wrong.en}` };
}

/** A sentence about a whole expression, with an example. */
function withExample(fault: InExpression, wrong: Text): Text {
  const meaning =
    fault.syntax === "interval" ? { zh: " 表示每 10 秒", en: " for every 10 seconds" } : undefined;
  return inExpression(fault, {
    zh: `${wrong.zh}，例如 ${fault.expected}${meaning?.zh ?? ""}`,
    en: `${wrong.en}, for example ${fault.expected}${meaning?.en ?? ""}`,
  });
}

function ofDate(fault: Extract<TriggerFault, { reason: ExpressionReason }> & { token: string }, wrong: Text) {
  return inExpression(fault, {
    zh: `expression 的值 "${fault.token}" ${wrong.zh}，例如 2030-01-31 08:30:00`,
    en: `"${fault.token}" ${wrong.en}, for example 2030-01-31 08:30:00`,
  });
}

const counts = (least: number, most: number, or: string) =>
  least === most ? `${least}` : `${least}${or}${most}`;

/** The text of each reason of `TRIGGER_INVALID`. */
export const triggerTexts: Texts = {
  EXPRESSION_EMPTY: (fault) =>
    withExample(fault, { zh: "expression 不能为空", en: "expression must not be empty" }),
  EXPRESSION_TOO_LONG: (fault) =>
    withExample(fault, {
      zh: `长度超过 ${fault.limit} 个字符`,
      en: `expression is longer than ${fault.limit} characters`,
    }),
  EXPRESSION_FULL_WIDTH: (fault) =>
    withExample(fault, {
      zh: "含有全角字符，请使用半角字符",
      en: "expression has full-width characters; use half-width ones",
    }),
  FIELD_COUNT: (fault) => {
    const { least, most, actual, syntax } = fault;
    return withExample(fault, {
      zh: `应为 ${counts(least, most, " 或 ")} 个字段（${LAYOUTS[syntax].zh}），实际为 ${actual} 个`,
      en: `expected ${counts(least, most, " or ")} fields (${LAYOUTS[syntax].en}), found ${actual}`,
    });
  },
  DAY_OR_WEEKDAY: (fault) =>
    withExample(fault, {
      zh: "day 与 weekday 两个字段必须有且只有一个为 ?",
      en: "exactly one of the fields day and weekday must be ?",
    }),
  NICKNAME_UNKNOWN: (fault) =>
    withExample(fault, {
      zh: `@ 开头的别名应为 ${fault.nicknames.join(" ")} 之一`,
      en: `a nickname must be one of ${fault.nicknames.join(" ")}`,
    }),
  NEVER_DUE: (fault) =>
    inExpression(fault, {
      zh: "日、月、周、年的组合不存在，永远不会触发",
      en: "no date satisfies day, month, weekday and year together, so it is never due",
    }),
  FIELD_UNREADABLE: (fault) => {
    const { zh, en } = expectedText(fault);
    const { forms } = fault;
    return inField(fault, {
      zh: `无法识别，应为 ${zh}${forms ? `，可写作 ${forms.join("、")}` : ""}`,
      en: `cannot be read; expected ${en}${forms ? `, written as ${forms.join(", ")}` : ""}`,
    });
  },
  FIELD_OUT_OF_RANGE: (fault) => {
    const { zh, en } = expectedText(fault);
    return inField(fault, { zh: `超出范围 ${zh}`, en: `is out of range; expected ${en}` });
  },
  QUARTZ_FEATURE: (fault) =>
    inField(fault, {
      zh: "无法识别：kinit 方言不支持 L W # H，月末请写 last，或改用 cron_dialect=quartz",
      en: "cannot be read: the dialect kinit has no L W # H; write last for the end of a month, or use cron_dialect=quartz",
    }),
  WEEKDAY_POSITION_UNREADABLE: (fault) =>
    inField(fault, {
      zh: "无法识别，应为例如 2nd fri 或 last fri",
      en: "cannot be read; expected for example 2nd fri or last fri",
    }),
  NAME_NOT_ALONE: (fault) => {
    const { zh, en } = expectedText(fault);
    return inField(fault, {
      zh: `有误：名称只能单独使用或写作范围，应为 ${zh}`,
      en: `is wrong: names stand alone or in a range of names; expected ${en}`,
    });
  },
  NAME_WITH_STEP: (fault) => {
    const { zh, en } = expectedText(fault);
    return inField(fault, {
      zh: `有误：名称不能带步长，应为 ${zh}`,
      en: `is wrong: a name cannot have a step; expected ${en}`,
    });
  },
  STEP_ZERO: (fault) => inField(fault, { zh: "的步长必须大于 0", en: "must have a step greater than 0" }),
  STEP_WIDER_THAN_RANGE: (fault) =>
    inField(fault, {
      zh: `的步长 ${fault.step} 超过范围宽度 ${fault.width}`,
      en: `has the step ${fault.step}, which is wider than its range of ${fault.width}`,
    }),
  STEP_OUT_OF_RANGE: (fault) =>
    inField(fault, { zh: `的步长应为 1-${fault.max}`, en: `must have a step of 1-${fault.max}` }),
  STEP_WITHOUT_RANGE: (fault) =>
    inField(fault, {
      zh: `的步长前应为 * 或范围，例如 ${fault.example}`,
      en: `must have * or a range before its step, for example ${fault.example}`,
    }),
  RANGE_REVERSED: (fault) => {
    const { zh, en } = expectedText(fault);
    return inField(fault, {
      zh: `的范围起点大于终点，应为 ${zh} 内由小到大的范围`,
      en: `has a range that starts after its end; expected an ascending range within ${en}`,
    });
  },
  YEARS_REVERSED: (fault) =>
    inField(fault, { zh: "的起始年份大于结束年份", en: "has a first year after its last year" }),
  DAY_OFFSET_OUT_OF_RANGE: (fault) =>
    inField(fault, { zh: `的偏移应为 0-${fault.max}`, en: `must have an offset of 0-${fault.max}` }),
  NTH_WEEKDAY_OUT_OF_RANGE: (fault) =>
    inField(fault, { zh: "的 # 之后应为 1-5", en: "must have 1-5 after #" }),
  INTERVAL_PART_UNREADABLE: (fault) =>
    withExample(fault, {
      zh: `第 ${fault.position} 个字段 ${fault.part} 的值 "${fault.token}" 不是非负整数，应为整数或 *`,
      en: `"${fault.token}" in field ${fault.position} (${fault.part}) is not a whole number or *`,
    }),
  INTERVAL_TOO_LONG: (fault) =>
    withExample(fault, {
      zh: `间隔超过 ${fault.days} 天`,
      en: `the interval is longer than ${fault.days} days`,
    }),
  DATE_UNREADABLE: (fault) =>
    ofDate(fault, { zh: `格式有误，应为 ${fault.expected}`, en: `must have the form ${fault.expected}` }),
  DATE_PART_OUT_OF_RANGE: (fault) => {
    const { part, min, max } = fault;
    return ofDate(fault, {
      zh: `的${DATE_PARTS_ZH[part]}超出范围 ${min}-${max}`,
      en: `has a ${part} outside ${min}-${max}`,
    });
  },
  DATE_NOT_IN_MONTH: (fault) =>
    ofDate(fault, {
      zh: `的日期不存在，该月应为 1-${fault.days} 日`,
      en: `does not exist: the month has ${fault.days} days`,
    }),
  TIMEZONE_UNKNOWN: ({ token, expected }) => ({
    zh: `无效的时区：timezone 的值 "${token}" 不是已知的时区名，例如 ${expected}`,
    en: `Invalid time zone: "${token}" is not a known name, for example ${expected}`,
  }),
  WINDOW_REVERSED: () => ({
    zh: "无效的结束时间：end_datetime 早于 start_datetime，应等于或晚于它",
    en: "Invalid end: end_datetime is before start_datetime",
  }),
  NO_OCCURRENCE: () => ({
    zh: "无效的触发器：expression 已没有可执行的时间，应给出将来的时间",
    en: "Invalid trigger: expression has no occurrence left; name a time in the future",
  }),
  NO_OCCURRENCE_BEFORE_END: () => ({
    zh: "无效的触发器：expression 在 end_datetime 之前已没有可执行的时间，应给出将来的时间",
    en: "Invalid trigger: expression has no occurrence left before end_datetime; name a later time",
  }),
};

/** The text of a fault; undefined for a reason that this version does not know. */
export function triggerText(fault: TriggerFault): Text | undefined {
  const text = triggerTexts[fault.reason] as ((fault: TriggerFault) => Text) | undefined;
  return text?.(fault);
}
