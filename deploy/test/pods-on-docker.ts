/**
 * Rendered manifests on a Docker engine, without a cluster:
 *
 *     kubectl kustomize DIR | node pods-on-docker.ts check | up
 *     node pods-on-docker.ts down
 *
 * `check` compares them with the schemas and with one another. `up` also starts each pod as a container with the
 * arguments, environment, user, capabilities, limits and volumes that its manifest states, with Services as names, and
 * sends the probes from outside as a kubelet does; it prints the URL of the gateway. Scheduling, admission and network
 * policies are not covered.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import { referenceFaults } from "./manifest-references.ts";
import { type Manifest, schemaFaults } from "./manifest-schema.ts";

const PROJECT = "pods";
const [verb] = process.argv.slice(2);
const docker = (...args: readonly string[]): string =>
  execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();

/** Images that cannot be made without a registry, and what takes their place. */
const STAND_INS: Readonly<Record<string, string>> = {
  "docker.io/library/nats:2.10-alpine": "docker.io/library/nats:2.9-alpine",
};

interface Pod {
  readonly name: string;
  readonly container: Manifest;
}

class Manifests {
  readonly #all: readonly Manifest[];

  constructor(yaml: string) {
    this.#all = parseAllDocuments(yaml).flatMap((one) => (one.toJS() as Manifest | null) ?? []);
  }

  async faults(): Promise<readonly string[]> {
    const schemas = await Promise.all(this.#all.map(schemaFaults));
    return [...schemas.flat(), ...referenceFaults(this.#all, ["Secret kinit-stores"])];
  }

  get workloads(): readonly Manifest[] {
    return this.#all.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
  }

  /** Names of the Services that select a workload. */
  servicesOf({ spec }: Manifest): readonly string[] {
    const { labels } = spec.template.metadata;
    return this.#all
      .filter((one) => one.kind === "Service")
      .filter((one) => Object.entries(one.spec.selector).every(([key, value]) => labels[key] === value))
      .map(({ metadata }) => metadata.name);
  }

  environmentOf(container: Manifest): Readonly<Record<string, string>> {
    return Object.assign({}, ...(container.envFrom ?? []).map((source: Manifest) => this.#contentOf(source)));
  }

  #contentOf({ configMapRef, secretRef }: Manifest): object {
    const { name } = configMapRef ?? secretRef;
    const found = this.#all.find(
      ({ kind, metadata }) => /^(ConfigMap|Secret)$/.test(kind) && metadata.name === name,
    );
    if (configMapRef) return found?.data;
    const entries = Object.entries((found?.data ?? {}) as Readonly<Record<string, string>>);
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
  }
}

function startPod(manifests: Manifests, workload: Manifest, index: number): Pod {
  const { metadata, spec } = workload;
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const host = `${metadata.name}-${index}`;
  const name = `${PROJECT}-${host}`;
  const image = STAND_INS[container.image] ?? container.image;
  const { runAsUser, runAsGroup } = pod.securityContext;
  docker(
    ...[
      "run",
      "--detach",
      "--name",
      name,
      "--hostname",
      host,
      "--network",
      PROJECT,
      "--label",
      `project=${PROJECT}`,
    ],
    ...["--user", `${runAsUser}:${runAsGroup}`, "--read-only", "--security-opt", "no-new-privileges"],
    ...["--cap-drop", "ALL", "--memory", container.resources.limits.memory.replace("i", "").toLowerCase()],
    ...manifests.servicesOf(workload).flatMap((alias) => ["--network-alias", alias]),
    ...Object.entries(manifests.environmentOf(container)).flatMap(([key, value]) => [
      "--env",
      `${key}=${value}`,
    ]),
    ...(container.volumeMounts ?? []).flatMap((mount: Manifest) =>
      mount.mountPath === "/tmp"
        ? ["--tmpfs", "/tmp:mode=1777"]
        : ["--volume", `${volumeOf(host, { image, user: runAsUser })}:${mount.mountPath}`],
    ),
    image,
    ...container.args,
  );
  return { name, container };
}

/** A volume that the pod's user may write, as fsGroup makes it. */
function volumeOf(host: string, { image, user }: { readonly image: string; readonly user: number }): string {
  const volume = `${PROJECT}-data-${host}`;
  docker("volume", "create", "--label", `project=${PROJECT}`, volume);
  const mounted = ["run", "--rm", "--user", "0", "--volume", `${volume}:/v`];
  const change = `require("node:fs").chownSync("/v", ${user}, ${user})`;
  if (image.startsWith("kinit")) docker(...mounted, "--entrypoint", "node", image, "-e", change);
  else docker(...mounted, "--entrypoint", "chown", image, `${user}:${user}`, "/v");
  return volume;
}

const addressOf = (name: string): string =>
  docker("inspect", name, "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");

function isProbed(
  { name, container }: Pod,
  { httpGet, timeoutSeconds = 1 }: Manifest["probe"],
): Promise<boolean> {
  const { containerPort } = container.ports.find((port: Manifest) => port.name === httpGet.port);
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  return fetch(`http://${addressOf(name)}:${containerPort}${httpGet.path}`, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Startup, then readiness for two minutes, then liveness once, as often as the manifest allows. */
async function becomesReady(pod: Pod): Promise<void> {
  const { startupProbe, readinessProbe, livenessProbe } = pod.container;
  for (const [kind, probe, limit] of [
    ["startup", startupProbe, startupProbe.failureThreshold],
    ["readiness", readinessProbe, 120 / readinessProbe.periodSeconds],
    ["liveness", livenessProbe, 3],
  ] as const) {
    for (let failed = 0; !(await isProbed(pod, probe)); ) {
      failed += 1;
      if (failed >= limit) throw new Error(`${pod.name}: its ${kind} probe failed ${failed} times`);
      await sleep(probe.periodSeconds * 1000);
    }
  }
}

async function up(manifests: Manifests): Promise<void> {
  docker("network", "create", PROJECT);
  const pods = manifests.workloads.flatMap((workload) =>
    Array.from({ length: workload.spec.replicas ?? 1 }, (_, index) => startPod(manifests, workload, index)),
  );
  await Promise.all(pods.map(becomesReady));
  process.stdout.write(`http://${addressOf(`${PROJECT}-gateway-0`)}:9000\n`);
}

function down(): void {
  const list = (...args: readonly string[]) =>
    docker(...args, "--filter", `label=project=${PROJECT}`)
      .split("\n")
      .filter(Boolean);
  const containers = list("ps", "--all", "--quiet");
  if (containers.length > 0) docker("rm", "--force", ...containers);
  const volumes = list("volume", "ls", "--quiet");
  if (volumes.length > 0) docker("volume", "rm", ...volumes);
  docker("network", "rm", PROJECT);
}

async function run(): Promise<void> {
  if (verb === "down") return down();
  const manifests = new Manifests(readFileSync(0, "utf8"));
  const faults = await manifests.faults();
  if (faults.length > 0) throw new Error(faults.join("\n"));
  if (verb === "up") await up(manifests);
}

run().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
