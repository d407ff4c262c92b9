import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** One import: the importing file, and the imported file or package. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Source files that match a glob pattern, as paths from the project's root. */
export const filesOf = (pattern: string): readonly string[] => globSync(pattern).map(normalize).sort();

export const importsOf = (files: readonly string[]): readonly Edge[] =>
  files.flatMap((from) =>
    [...readFileSync(from, "utf8").matchAll(/(?<![\w."])(?:from |import |import\(\s*)"([^"]+)"/g)].map(
      ([, specifier = ""]) => ({
        from,
        to: specifier.startsWith(".") ? normalize(join(dirname(from), specifier)) : specifier,
      }),
    ),
  );

/** The same graph with folders instead of files; imports within one folder disappear. */
export const betweenFolders = (edges: readonly Edge[]): readonly Edge[] =>
  edges
    .map(({ from, to }) => ({ from: dirname(from), to: dirname(to) }))
    .filter(({ from, to }) => from !== to);

/** Every import that is part of a cycle, as `a -> b`. Two nodes are in one cycle if each one reaches the other. */
export function cyclesOf(edges: readonly Edge[]): readonly string[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of edges) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const reachable = new Map([...targets.keys()].map((node) => [node, reachableFrom(node, targets)]));
  const cyclic = edges.filter(({ from, to }) => reachable.get(to)?.has(from));
  return [...new Set(cyclic.map(({ from, to }) => `${from} -> ${to}`))];
}

function reachableFrom(start: string, targets: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reached = new Set<string>();
  for (let pending = [start]; pending.length > 0; ) {
    const next = pending.flatMap((node) => [...(targets.get(node) ?? [])]);
    pending = [...new Set(next)].filter((node) => !reached.has(node));
    for (const node of pending) reached.add(node);
  }
  return reached;
}
