import { RETRY_BACKOFFS } from "../../../shared/contracts/retry-policy.ts";
import {
  CRON_DIALECTS,
  EXEC_STRATEGIES,
  MISFIRE_POLICIES,
  OVERLAP_POLICIES,
  taskDefinition as rules,
} from "../../../shared/contracts/task-definition.ts";
import { choice, datetime, flag, jsonObject, text, timezone, whole } from "./wire-kinds.ts";
import { nullable, optional, required } from "./wire-validation.ts";

/**
 * The definition of a task on the wire: each field by its own name, with its name on the wire and how it is read. The
 * order is that of the API; the fields from the time zone on are ours. The Python original checks nothing of an inactive task; here
 * every definition has to be valid.
 */
export const definitionFields = {
  name: { wire: "name", input: required(text(rules.name)) },
  group: { wire: "group", input: optional(nullable(text(rules.group)), null) },
  handler: { wire: "job_class", input: required(text(rules.handler)) },
  params: { wire: "job_params", input: optional(jsonObject, {} as Readonly<Record<string, unknown>>) },
  strategy: { wire: "exec_strategy", input: required(choice(EXEC_STRATEGIES)) },
  expression: { wire: "expression", input: optional(nullable(text(rules.expression)), null) },
  isActive: { wire: "is_active", input: required(flag) },
  remark: { wire: "remark", input: optional(nullable(text(rules.remark)), null) },
  startAt: { wire: "start_datetime", input: optional(nullable(datetime), null) },
  endAt: { wire: "end_datetime", input: optional(nullable(datetime), null) },
  timezone: { wire: "timezone", input: optional(nullable(timezone), null) },
  cronDialect: { wire: "cron_dialect", input: optional(nullable(choice(CRON_DIALECTS)), null) },
  misfire: { wire: "misfire_policy", input: optional(nullable(choice(MISFIRE_POLICIES)), null) },
  misfireGraceMs: { wire: "misfire_grace_ms", input: optional(nullable(whole(rules.misfireGraceMs)), null) },
  overlap: { wire: "overlap_policy", input: optional(nullable(choice(OVERLAP_POLICIES)), null) },
  timeoutMs: { wire: "timeout_ms", input: optional(nullable(whole(rules.timeoutMs)), null) },
  retryLimit: { wire: "retry_limit", input: optional(nullable(whole(rules.retryLimit)), null) },
  retryBackoff: { wire: "retry_backoff", input: optional(nullable(choice(RETRY_BACKOFFS)), null) },
  retryDelayMs: { wire: "retry_delay_ms", input: optional(nullable(whole(rules.retryDelayMs)), null) },
  retryMaxDelayMs: {
    wire: "retry_max_delay_ms",
    input: optional(nullable(whole(rules.retryMaxDelayMs)), null),
  },
} as const;
export type DefinitionField = keyof typeof definitionFields;

type Fields = typeof definitionFields;
/** The body that creates a task or replaces one. */
export const taskFields = Object.fromEntries(
  Object.values(definitionFields).map(({ wire, input }) => [wire, input]),
) as { readonly [F in DefinitionField as Fields[F]["wire"]]: Fields[F]["input"] };
