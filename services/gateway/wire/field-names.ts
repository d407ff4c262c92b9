/** Fields of tasks and of list queries that the Python original names differently. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  handler: "job_class",
  params: "job_params",
  strategy: "exec_strategy",
  isActive: "is_active",
  startAt: "start_datetime",
  endAt: "end_datetime",
  cronDialect: "cron_dialect",
  misfire: "misfire_policy",
  misfireGraceMs: "misfire_grace_ms",
  overlap: "overlap_policy",
  timeoutMs: "timeout_ms",
};

/** The path of a field as clients know it: `params.rows[2].title` is `job_params.rows[2].title`. */
export function wireFieldOf(path: string): string {
  const [name = ""] = path.split(/[.[]/, 1);
  return (WIRE_NAMES[name] ?? name) + path.slice(name.length);
}
