import type { Manifest } from "./manifest-schema.ts";

type Labels = Readonly<Record<string, string>>;

const matches = (selector: Labels | undefined, labels: Labels | undefined): boolean =>
  Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);

/**
 * What no schema states: selectors that match, names that exist, ports that are open. `given` names what the user
 * creates, as `Secret kinit-stores`.
 */
export function referenceFaults(manifests: readonly Manifest[], given: readonly string[]): readonly string[] {
  const names = new Set([...given, ...manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)]);
  const workloads = manifests.filter(({ kind }) => ["Deployment", "StatefulSet", "Job"].includes(kind));
  return manifests.flatMap((manifest) => {
    const faults = [...ownFaults(manifest, names), ...selectorFaults(manifest, workloads)];
    return faults.map((fault) => `${manifest.kind} ${manifest.metadata.name}: ${fault}`);
  });
}

function ownFaults({ kind, spec }: Manifest, names: ReadonlySet<string>): readonly string[] {
  const missing = (wanted: string) => (names.has(wanted) ? [] : [`there is no ${wanted}`]);
  switch (kind) {
    case "Deployment":
    case "StatefulSet":
    case "Job":
      return podFaults(spec, missing);
    case "HorizontalPodAutoscaler":
    case "ScaledObject":
      return missing(`${spec.scaleTargetRef.kind ?? "Deployment"} ${spec.scaleTargetRef.name}`);
    case "Ingress":
      return spec.rules.flatMap((rule: Manifest) =>
        rule.http.paths.flatMap((path: Manifest) => missing(`Service ${path.backend.service.name}`)),
      );
    default:
      return [];
  }
}

function podFaults(
  spec: Manifest["spec"],
  missing: (wanted: string) => readonly string[],
): readonly string[] {
  const { selector, template, volumeClaimTemplates = [], serviceName } = spec;
  const pod = template.spec;
  const volumes = [...(pod.volumes ?? []), ...volumeClaimTemplates.map(({ metadata }: Manifest) => metadata)];
  return [
    ...(matches(selector?.matchLabels, template.metadata.labels)
      ? []
      : ["its selector does not match its pods"]),
    ...(serviceName ? missing(`Service ${serviceName}`) : []),
    ...(pod.serviceAccountName ? missing(`ServiceAccount ${pod.serviceAccountName}`) : []),
    ...pod.containers.flatMap((container: Manifest) => containerFaults(container, { volumes, missing })),
  ];
}

interface Surroundings {
  readonly volumes: readonly { readonly name: string }[];
  missing(wanted: string): readonly string[];
}

function containerFaults(container: Manifest, { volumes, missing }: Surroundings): readonly string[] {
  const ports: readonly { readonly name: string; readonly containerPort: number }[] = container.ports ?? [];
  const faults = ports
    .filter(({ containerPort }) => containerPort < 1 || containerPort > 65_535)
    .map(({ containerPort }) => `there is no port ${containerPort}`);
  for (const { name } of container.volumeMounts ?? [])
    if (!volumes.some((volume) => volume.name === name)) faults.push(`there is no volume ${name}`);
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) faults.push(...missing(`ConfigMap ${configMapRef.name}`));
    if (secretRef) faults.push(...missing(`Secret ${secretRef.name}`));
  }
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    const port = container[probe]?.httpGet.port;
    if (port !== undefined && !ports.some(({ name }) => name === port))
      faults.push(`${probe}: no port ${port}`);
  }
  return faults;
}

function selectorFaults({ kind, spec }: Manifest, workloads: readonly Manifest[]): readonly string[] {
  const selector = {
    Service: spec?.selector,
    PodDisruptionBudget: spec?.selector?.matchLabels,
    NetworkPolicy: spec?.podSelector?.matchLabels,
  }[kind] as Labels | undefined;
  if (selector === undefined) return [];
  const pods = workloads.filter(({ spec }) => matches(selector, spec.template.metadata.labels));
  if (pods.length === 0) return ["it selects no pods"];
  const open = new Set(
    pods.flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap((container: Manifest) =>
        (container.ports ?? []).map((port: Manifest) => port.name),
      ),
    ),
  );
  const targets: readonly string[] = (spec.ports ?? []).map((port: Manifest) => port.targetPort);
  return targets.filter((port) => !open.has(port)).map((port) => `no pod has the port ${port}`);
}
