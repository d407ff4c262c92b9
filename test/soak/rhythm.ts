/** The definition of a task as its event states it; of all that it holds, what its occurrences follow from. */
export interface StatedDefinition {
  readonly strategy: string;
  readonly expression: string | null;
  readonly startAt: string | null;
  readonly endAt: string | null;
  readonly cronDialect: string;
  readonly overlap: string;
}

/** Occurrences, reckoned without the project's own triggers. */
export interface Rhythm {
  readonly isRepeating: boolean;
  /** The first occurrence at or after an instant (ms), or null. */
  from(instant: number): number | null;
}

/** The cron expressions of the soak test, each with the seconds of every minute at which it is due. */
export const CRON_SECONDS: readonly {
  readonly dialect: string;
  readonly expression: string;
  readonly seconds: readonly number[];
}[] = [
  { dialect: "kinit", expression: "* * * * * *", seconds: every(1, 0) },
  { dialect: "kinit", expression: "*/2 * * * * ?", seconds: every(2, 0) },
  { dialect: "kinit", expression: "7/5 * * * * *", seconds: every(5, 7) },
  { dialect: "kinit", expression: "1,7,30-33 * * * * ?", seconds: [1, 7, 30, 31, 32, 33] },
  { dialect: "quartz", expression: "* * * * * ?", seconds: every(1, 0) },
  { dialect: "quartz", expression: "0/3 * * * * ?", seconds: every(3, 0) },
  { dialect: "quartz", expression: "58-3 * * ? * *", seconds: [0, 1, 2, 3, 58, 59] },
  { dialect: "unix", expression: "* * * * *", seconds: [0] },
];

const UNITS_MS = [1000, 60_000, 3_600_000, 86_400_000, 604_800_000];
/** The zone in which the soak test states the instants of its `date` tasks. */
const DATE_OFFSET = "+08:00";

/** @param at when the definition was stated, or the task set going again (ms) */
export function rhythmOf(definition: StatedDefinition, at: number): Rhythm {
  const { strategy, expression } = definition;
  const startAt = definition.startAt === null ? null : Date.parse(definition.startAt);
  const endAt = definition.endAt === null ? Number.POSITIVE_INFINITY : Date.parse(definition.endAt);
  const within = (instant: number | null) => (instant === null || instant > endAt ? null : instant);
  if (strategy === "interval") {
    const fields = (expression ?? "").split(" ").map((field) => (field === "*" ? 0 : Number(field)));
    const everyMs = fields.reduce((sum, field, index) => sum + field * (UNITS_MS[index] ?? 0), 0);
    const anchor = startAt === null ? at + everyMs : startAt;
    const multiple = (instant: number) =>
      instant <= anchor ? anchor : anchor + Math.ceil((instant - anchor) / everyMs) * everyMs;
    // Nothing is due before the definition was there.
    return { isRepeating: true, from: (instant) => within(multiple(Math.max(instant, at))) };
  }
  if (strategy === "cron") {
    const seconds = secondsOf(definition.cronDialect, expression ?? "");
    return {
      isRepeating: true,
      from: (instant) => within(nextSecond(seconds, Math.max(instant, startAt ?? instant))),
    };
  }
  const stated =
    expression && strategy === "date" ? Date.parse(expression.replace(" ", "T") + DATE_OFFSET) : at;
  const only = Math.max(stated, at);
  return { isRepeating: false, from: (instant) => (only >= instant ? only : null) };
}

function every(step: number, from: number): readonly number[] {
  return Array.from({ length: 60 }, (_, second) => second).filter(
    (second) => second >= from && (second - from) % step === 0,
  );
}

function secondsOf(dialect: string, expression: string): readonly number[] {
  const found = CRON_SECONDS.find((cron) => cron.dialect === dialect && cron.expression === expression);
  if (!found) throw new Error(`the soak test does not know the ${dialect} expression ${expression}`);
  return found.seconds;
}

/** All zones are whole minutes away from UTC, so the seconds are the same in each. */
function nextSecond(seconds: readonly number[], instant: number): number {
  for (let second = Math.ceil(instant / 1000); ; second++)
    if (seconds.includes(second % 60)) return second * 1000;
}
