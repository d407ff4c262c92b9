import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fields, Rule } from "../../shared/contracts/contract.ts";
import type { EventContracts } from "../../shared/contracts/event.ts";

/** The declared contracts of a release: by type, without summaries and examples. */
export type RecordedContracts = Readonly<Record<string, RecordedContract>>;

export interface RecordedContract {
  readonly version: number;
  readonly source: string;
  readonly stream: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export const CONTRACTS = "test/fixtures/contracts";

export function recorded(contracts: EventContracts): RecordedContracts {
  return Object.fromEntries(
    Object.entries(contracts).map(([type, { version, source, stream, data }]) => [
      type,
      { version, source, stream, data: fieldsOf(data) },
    ]),
  );
}

/** The contracts of every release, by file. */
export function* recordedContracts(): Iterable<{ file: string; contracts: RecordedContracts }> {
  for (const file of readdirSync(CONTRACTS))
    yield {
      file,
      contracts: JSON.parse(readFileSync(join(CONTRACTS, file), "utf8")) as RecordedContracts,
    };
}

/**
 * How the declared contracts differ from published ones in a way that events in stores and on the bus do not allow. New
 * events and new optional fields are allowed. An event with a new version needs an upcaster from the published one.
 */
export function violations(
  published: RecordedContracts,
  declared: RecordedContracts,
  upcasters: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(published).flatMap(([type, before]) => {
    const schema = `${type}/${before.version}`;
    const now = declared[type];
    if (schema in upcasters) return [];
    if (!now) return [`${type} is no longer declared, and there is no upcaster from ${schema}`];
    if (now.version !== before.version)
      return [`${type} has version ${now.version}, and there is no upcaster from ${schema}`];
    return differences(type, before, now);
  });
}

function differences(type: string, before: RecordedContract, now: RecordedContract): string[] {
  const faults = (["source", "stream"] as const)
    .filter((part) => before[part] !== now[part])
    .map((part) => `${type}: ${part} was ${before[part]} and is ${now[part]}`);
  for (const [field, rule] of Object.entries(before.data)) {
    const [was, is] = [JSON.stringify(rule), JSON.stringify(now.data[field])];
    if (is === undefined) faults.push(`${type}: the field ${field} is gone`);
    else if (was !== is) faults.push(`${type}: the field ${field} was ${was} and is ${is}`);
  }
  for (const [field, rule] of Object.entries(now.data))
    if (!(field in before.data) && !isOptional(rule))
      faults.push(`${type}: the new field ${field} is not optional`);
  return faults;
}

const isOptional = (rule: unknown): boolean =>
  typeof rule === "string" ? /\|optional\b/.test(rule) : (rule as { optional?: unknown }).optional === true;

const fieldsOf = (fields: Fields): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, plain(rule)]));

/** The rule as JSON, its keys sorted, patterns as their sources. */
function plain(rule: Rule | unknown): unknown {
  if (rule instanceof RegExp) return rule.source;
  if (Array.isArray(rule)) return rule.map(plain);
  if (typeof rule !== "object" || rule === null) return rule;
  const entries = Object.entries(rule).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, plain(value)]));
}
