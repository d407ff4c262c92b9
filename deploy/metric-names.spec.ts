import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { prometheusMetrics } from "../shared/monitoring/prometheus-metrics.ts";

/** Prometheus adds these itself. */
const SCRAPED = ["job", "instance", "le"];
/** Grafana replaces its variables before it sends a query. */
const withoutVariables = (expression: string) =>
  expression.replaceAll("$__rate_interval", "5m").replaceAll("$job", ".*");

/** The labels of every series that a process exports, by name. */
async function exportedSeries(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = prometheusMetrics();
  const at = new Date(0).toISOString();
  metrics.runEnded({
    handler: "h",
    outcome: "succeeded",
    attempt: { plannedAt: at, startedAt: 0, endedAt: at },
  });
  metrics.occurrencesSkipped("overlap", 1);
  metrics.eventSent("task.due");
  metrics.deadLettered("records");
  metrics.transactionEnded("records", "committed", 1);
  metrics.requestEnded({ method: "GET", route: "/", status: 200, ms: 1 });
  metrics.watchBus(async () => [
    { group: "executor", pattern: "task.due", waiting: 0, inFlight: 0, oldestMs: 0 },
  ]);
  metrics.watchOutbox("records", () => ({ pending: 0, oldestMs: 0 }));
  metrics.watchExecutor(() => ({ running: 0, waiting: 0, slots: 1 }));
  metrics.watchLeader(() => ({ isLeader: true, stuckTasks: 0 }));
  const series = new Map<string, Set<string>>();
  for (const line of (await metrics.text()).split("\n")) {
    const [, name, labels = ""] = /^([a-z_][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = series.get(name) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label as string);
    series.set(name, known);
  }
  return series;
}

interface Query {
  readonly where: string;
  readonly expression: string;
}

const ruleFile = parse(readFileSync("deploy/prometheus/alerts.yaml", "utf8")) as {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly action: string };
    }[];
  }[];
};
const rules = ruleFile.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync("deploy/grafana/dashboard.json", "utf8")) as {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};
const queries: readonly Query[] = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expression: expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expression: expr })),
  ),
];

/** The metrics and labels that a PromQL expression names; fails on a syntax error. */
function namesIn({ where, expression }: Query) {
  const text = withoutVariables(expression);
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      assert.ok(!type.isError, `${where}: not PromQL at ${from}: ${text}`);
      if (type.name === "Identifier") metrics.push(text.slice(from, to));
      if (type.name === "LabelName") labels.push(text.slice(from, to));
    },
  });
  return { metrics, labels };
}

describe("the alert rules and the dashboard", async () => {
  const series = await exportedSeries();

  it("ask for metrics and labels that the processes export", () => {
    assert.ok(queries.length > 30, `only ${queries.length} queries found`);
    for (const query of queries) {
      const { metrics, labels } = namesIn(query);
      assert.ok(metrics.length > 0, `${query.where} names no metric`);
      for (const metric of metrics) assert.ok(series.has(metric), `${query.where}: there is no ${metric}`);
      const known = new Set([...SCRAPED, ...metrics.flatMap((metric) => [...(series.get(metric) ?? [])])]);
      for (const label of labels) assert.ok(known.has(label), `${query.where}: no metric has ${label}`);
    }
  });

  it("show every metric of our own", () => {
    const used = new Set(queries.flatMap((query) => namesIn(query).metrics.map(baseName)));
    const own = new Set([...series.keys()].filter((name) => name.startsWith("kinit_")).map(baseName));
    assert.deepEqual(
      [...own].filter((name) => !used.has(name)),
      [],
    );
  });

  it("state what happened and what to do", () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, labels, annotations } of rules) {
      assert.match(labels.severity, /^(warning|critical)$/, alert);
      assert.match(annotations.summary, /\.$/, alert);
      assert.match(annotations.action, /\.$/, alert);
    }
  });
});

const baseName = (series: string): string => series.replace(/_(bucket|sum|count)$/, "");
