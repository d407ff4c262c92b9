import { readFileSync } from "node:fs";
import { catalogue } from "../shared/contracts/catalogue.ts";
import { errorTypes } from "../shared/contracts/errors.ts";
import type { Setting } from "../shared/setting.ts";
import { settings } from "../shared/settings.ts";

/** `.env.example`: every setting with its purpose and its default. */
export function envExample(): string {
  const blocks = Object.values(settings as Readonly<Record<string, Setting<unknown>>>).map(
    ({ variable, fallback, purpose, isSecret }) =>
      `# ${purpose}\n${isSecret ? `# ${variable}_FILE: a file that contains it.\n` : ""}# ${variable}=${fallback ?? ""}\n`,
  );
  return `# Every setting and its default. Generated from shared/settings.ts by: npm run kinit -- docs\n\n${blocks.join("\n")}`;
}

/** `docs/events.md`: the catalogue of events, for subscribers. */
export function eventsPage(): string {
  const entries = Object.entries(catalogue.contracts);
  const table = entries.map(
    ([type, { stream, source, summary }]) =>
      `| [\`${type}\`](#${type.replaceAll(/[^a-z_]/g, "")}) | \`${stream}-<id>\` | ${source} | ${summary} |`,
  );
  const sections = entries.map(([type, contract]) => section(type, contract as never));
  return `# Events

Generated from \`shared/contracts/\` by \`npm run kinit -- docs\`; do not edit.

Every event is a CloudEvents 1.0 envelope in JSON. With NATS it is published on \`kinit.<event type>\` in the JetStream
stream \`KINIT\`; \`Nats-Msg-Id\` is the event's \`id\`. Delivery is at least once: deduplicate by id, and expect a retried
event to arrive after its successors. Instants are ISO-8601 in UTC. A published event is never changed: it gets new
optional fields, or a new version.

| envelope field | meaning |
|---|---|
| \`id\` | UUIDv7, unique, ascending for one writer |
| \`type\`, \`dataschema\` | the event, and the version of its data: \`<type>/<version>\` |
| \`source\` | the service that published it |
| \`subject\` | the stream that it belongs to |
| \`time\` | when it happened |
| \`correlationid\`, \`causationid\` | the request that started the chain of events, and the direct cause |
| \`traceparent\`, \`actor\` | W3C Trace Context, and on whose behalf |
| \`data\` | what happened: see the event's section |

| event | stream | published by | meaning |
|---|---|---|---|
${table.join("\n")}

${sections.join("\n")}`;
}

/** `docs/errors.md`: every type of error, for those who read `error_type`, logs and code. */
export function errorsPage(): string {
  const rows = Object.entries(errorTypes).map(
    ([type, { code, retryable, meaning }]) =>
      `| \`${type}\` | ${code} | ${RETRYABLE[`${retryable}`]} | ${meaning} |`,
  );
  return `# Errors

Made from \`shared/contracts/errors.ts\` by \`npm run kinit -- docs\`; do not edit.

Every error has a type, which is stable: programs recognise errors by it. It is in \`error_type\` of a run's record, in the
log and in errors between services. The text is English and may change; the gateway translates what it shows to clients.

The code is HTTP-like. For a 4xx the gateway returns HTTP 200 with the code 400, 404 or 409 in the body, as the Python
original does (\`RATE_LIMITED\` as HTTP 429); for a 5xx it returns 503 where another try can help, else 500. \`retryable\`
means that the same call may succeed later unchanged. Node, libraries and the embedded MongoDB server have types of their
own.

| type | code | retryable | meaning |
|---|---|---|---|
${rows.join("\n")}
`;
}

const RETRYABLE: Readonly<Record<string, string>> = { true: "yes", false: "no", depends: "it depends" };

interface Documented {
  readonly version: number;
  readonly summary: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly example: unknown;
}

function section(type: string, { version, summary, data, example }: Documented): string {
  const rows = Object.entries(data).map(([name, rule]) => `| \`${name}\` | ${describeRule(rule)} |`);
  return `## ${type}

${summary} Version ${version}.

| field | value |
|---|---|
${rows.join("\n")}

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`;
}

const KINDS: Readonly<Record<string, string>> = {
  id: "24 hexadecimal digits",
  instant: "instant",
  any: "any JSON",
  record: "JSON object",
};

/** Describes a rule: kind, bounds, and whether the field is optional or may be null. */
function describeRule(rule: unknown): string {
  if (typeof rule === "string") {
    const [kind = "", ...rest] = rule.split("|");
    return [KINDS[kind] ?? kind, ...rest].join(", ");
  }
  const { type, values, props, items, min, max, integer, optional, nullable } = rule as Record<
    string,
    unknown
  >;
  const parts = [kindInWords(String(type), { values, props, items, integer })];
  if (min !== undefined) parts.push(`at least ${min}`);
  if (max !== undefined) parts.push(`at most ${max}`);
  if (nullable) parts.push("or null");
  if (optional) parts.push("optional");
  return parts.join(", ");
}

function kindInWords(type: string, { values, props, items, integer }: Record<string, unknown>): string {
  if (type === "enum") return `one of ${(values as string[]).map((value) => `\`${value}\``).join(" ")}`;
  if (type === "array") return `list of: ${describeRule(items)}`;
  if (type === "object") {
    const inner = Object.entries(props as object).map(([name, rule]) => `\`${name}\` ${describeRule(rule)}`);
    return `object (${inner.join("; ")})`;
  }
  return integer ? "whole number" : (KINDS[type] ?? type);
}

/** The alert rules as an object for the Prometheus operator. */
export function prometheusRule(): string {
  const [, groups = ""] = readFileSync("deploy/prometheus/alerts.yaml", "utf8").split(/^(?=groups:)/m);
  return `# Generated from deploy/prometheus/alerts.yaml by: npm run kinit -- docs
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: kinit }
spec:
${groups.replaceAll(/^(?=.)/gm, "  ")}`;
}

/** Every generated file and its content. */
export const generatedFiles: Readonly<Record<string, () => string>> = {
  "deploy/kubernetes/overlays/production/alerts.yaml": prometheusRule,
  ".env.example": envExample,
  "docs/errors.md": errorsPage,
  "docs/events.md": eventsPage,
};
