/** An object of a manifest, as YAML states it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // The schemas check the rest.
  // biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, checked by their schemas
  readonly [field: string]: any;
}

interface Model {
  new (data: object): object;
}

/** Packages with the validators of groups that are not Kubernetes' own. */
const PACKAGES: Readonly<Record<string, string>> = {
  "keda.sh": "@kubernetes-models/keda/keda.sh",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
};

async function modelOf({ apiVersion, kind }: Manifest): Promise<Model | undefined> {
  const [version, group] = apiVersion.split("/").reverse() as [string, string?];
  const folder =
    group === undefined ? "kubernetes-models" : (PACKAGES[group] ?? `kubernetes-models/${group}`);
  const models = (await import(`${folder}/${version}`).catch(() => ({}))) as Readonly<Record<string, Model>>;
  return models[kind];
}

/**
 * The faults of an object by the OpenAPI schema of its kind. These schemas allow unknown fields, so a field that the
 * validator never reads is a fault, too, as `kubectl --validate=strict` reports it.
 */
export async function schemaFaults(manifest: Manifest): Promise<readonly string[]> {
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  const Model = await modelOf(manifest);
  if (!Model) return [`${name}: there is no schema for ${manifest.apiVersion} ${manifest.kind}`];
  const { proxy, unread } = watched(manifest);
  const faults: string[] = [];
  try {
    Object.setPrototypeOf(proxy, Model.prototype as object);
    (Model.prototype as { validate(): void }).validate.call(proxy);
  } catch (error) {
    faults.push((error as Error).message);
  }
  return [...faults, ...unread()].map((fault) => `${name}: ${fault}`);
}

interface Watched {
  readonly proxy: object;
  /** Names the fields that were never read. */
  unread(): readonly string[];
}

function watched(value: object, path = ""): Watched {
  const read = new Set<string>();
  const children = new Map<string, Watched>();
  const child = (key: string, inner: object) => {
    const known = children.get(key) ?? watched(inner, `${path}/${key}`);
    children.set(key, known);
    return known;
  };
  const proxy = new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key === "symbol" || !Object.hasOwn(target, key)) return inner;
      read.add(key);
      return isObject(inner) ? child(key, inner).proxy : inner;
    },
    // A loop over the keys: a map with keys of the user's choice.
    ownKeys(target) {
      for (const key of Object.keys(target)) read.add(key);
      return Reflect.ownKeys(target);
    },
  });
  return {
    proxy,
    unread: () =>
      Object.keys(value).flatMap((key) =>
        read.has(key) ? (children.get(key)?.unread() ?? []) : [`${path}/${key} is not a known field`],
      ),
  };
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
