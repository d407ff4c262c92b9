import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { durableOf, STREAM } from "../shared/bus/jetstream/streams.ts";
import { readConfig } from "../shared/config.ts";
import { settings } from "../shared/settings.ts";
import { stopLimitMs } from "../tools/run-until-stopped.ts";
import { serviceNames } from "../tools/service-names.ts";
import { referenceFaults } from "./test/manifest-references.ts";
import { type Manifest, schemaFaults } from "./test/manifest-schema.ts";

/** The label that every kustomization adds to its pods. */
const PART_OF = { "app.kubernetes.io/part-of": "kinit-fast-task" };

const manifestsIn = (pattern: string): readonly Manifest[] =>
  globSync(`deploy/kubernetes/${pattern}`)
    .filter((file) => !file.endsWith("kustomization.yaml"))
    .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((one) => one.toJS() as Manifest))
    .map((manifest) => {
      const labels = manifest.spec?.template?.metadata?.labels;
      if (labels) Object.assign(labels, PART_OF);
      return manifest;
    });

const base = manifestsIn("base/*.yaml");
const overlays = {
  small: [...base, ...manifestsIn("overlays/small/*.yaml")],
  production: [...base, ...manifestsIn("overlays/production/*.yaml"), ...manifestsIn("migration/*.yaml")],
  "executor-hpa": [...base, ...manifestsIn("components/executor-hpa/*.yaml")],
};
const everything = manifestsIn("**/*.yaml");
const workloads = everything.filter(({ spec }) => spec?.template?.spec?.containers);
const named = (kind: string, name: string): Manifest => {
  const found = everything.find((one) => one.kind === kind && one.metadata.name === name);
  return found ?? assert.fail(`there is no ${kind} ${name}`);
};
const compose = parse(readFileSync("deploy/compose.yaml", "utf8"), { merge: true }) as {
  readonly services: Readonly<Record<string, Manifest>>;
};
const variables = new Set<string>(Object.values(settings).map(({ variable }) => variable));

describe("the Kubernetes manifests", () => {
  it("fit the schemas, without unknown fields", async () => {
    assert.ok(everything.length > 30, `only ${everything.length} objects found`);
    const faults = await Promise.all(everything.map(schemaFaults));
    assert.deepEqual(faults.flat(), []);
  });

  it("are checked by schemas that find faults", async () => {
    const deployment = named("Deployment", "gateway");
    const { containers } = deployment.spec.template.spec;
    const faulty = (change: object): Manifest => ({
      ...deployment,
      spec: { ...deployment.spec, ...change },
    });
    const template = (container: object) => ({
      template: { ...deployment.spec.template, spec: { containers: [{ ...containers[0], ...container }] } },
    });
    for (const change of [
      { replicas: "two" },
      { replica: 2 },
      template({ livenesProbe: {} }),
      template({ image: 1 }),
    ])
      assert.notDeepEqual(await schemaFaults(faulty(change)), [], JSON.stringify(change).slice(0, 80));
  });

  for (const [overlay, manifests] of Object.entries(overlays)) {
    it(`name only what exists: ${overlay}`, () => {
      assert.deepEqual(referenceFaults(manifests, ["Secret kinit-stores"]), []);
    });
  }

  it("run every service, and so does Compose", () => {
    for (const name of serviceNames) {
      assert.deepEqual(named("Deployment", name).spec.template.spec.containers[0].args, ["service", name]);
      assert.deepEqual(compose.services[name]?.command, ["service", name]);
    }
  });

  it("run unprivileged, as the restricted profile demands", () => {
    for (const { kind, metadata, spec } of workloads) {
      const { securityContext, containers, automountServiceAccountToken } = spec.template.spec;
      const who = `${kind} ${metadata.name}`;
      assert.equal(automountServiceAccountToken, false, who);
      assert.equal(securityContext.runAsNonRoot, true, who);
      assert.equal(securityContext.seccompProfile.type, "RuntimeDefault", who);
      for (const { securityContext: rights, resources } of containers) {
        assert.equal(rights.allowPrivilegeEscalation, false, who);
        assert.equal(rights.readOnlyRootFilesystem, true, who);
        assert.deepEqual(rights.capabilities.drop, ["ALL"], who);
        assert.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory, who);
      }
    }
  });

  it("give processes the time that they take to stop, and so does Compose", () => {
    const configured = readConfig(named("ConfigMap", "kinit").data);
    const limit = stopLimitMs(configured) / 1000;
    for (const name of serviceNames) {
      const { terminationGracePeriodSeconds } = named("Deployment", name).spec.template.spec;
      assert.ok(terminationGracePeriodSeconds >= limit + 5, `${name}: ${terminationGracePeriodSeconds} s`);
      const { stop_grace_period, environment } = compose.services[name] ?? assert.fail(name);
      const grace = Number.parseInt(stop_grace_period, 10);
      assert.ok(
        grace >= stopLimitMs(readConfig({ DRAIN_MS: environment.DRAIN_MS })) / 1000 + 5,
        `${name}: ${grace} s`,
      );
    }
  });

  it("set variables that exist, and so does Compose", () => {
    const set = [
      ...Object.keys(named("ConfigMap", "kinit").data),
      ...serviceNames.flatMap((name) => Object.keys(compose.services[name]?.environment ?? {})),
    ];
    assert.deepEqual(
      set.filter((variable) => !variables.has(variable)),
      [],
    );
  });

  it("scale executors by the consumer that exists, and by a metric that is exported", () => {
    const { metadata } = named("ScaledObject", "executor").spec.triggers[0];
    assert.equal(metadata.stream, STREAM);
    assert.equal(metadata.consumer, durableOf("executor", "task.due"));
    assert.equal(Number(metadata.lagThreshold), 2 * readConfig({}).executorConcurrency);
    const [hpa = assert.fail()] = manifestsIn("components/executor-hpa/*.yaml");
    const [{ pods }] = hpa.spec.metrics;
    const source = readFileSync("shared/monitoring/prometheus-metrics.ts", "utf8");
    assert.ok(source.includes(`"${pods.metric.name}"`), pods.metric.name);
  });

  it("have the alert rules of Prometheus", () => {
    const rules = parse(readFileSync("deploy/prometheus/alerts.yaml", "utf8")) as object;
    assert.deepEqual(named("PrometheusRule", "kinit").spec, rules);
  });
});

it("Compose has no default for a password", () => {
  const text = readFileSync("deploy/compose.yaml", "utf8");
  for (const [, name, rest] of text.matchAll(/\$\{(\w*PASSWORD)([^}]*)\}/g)) {
    assert.match(rest as string, /^(:\?.*)?$/, name);
  }
});
