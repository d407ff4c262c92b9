// Removes from node_modules what no process reads, so that the image stays small. The build of the image runs it; plain
// JavaScript without dependencies, since nothing else is there at that time.
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Packages of which only files are served to browsers: what their code imports is bundled in these files. */
const SERVED = {
  redoc: /^(bundles\/redoc\.standalone\.js|package\.json|LICENSE.*)$/,
  "swagger-ui-dist":
    /^(swagger-ui\.css|swagger-ui-bundle\.js|favicon-32x32\.png|oauth2-redirect\.(js|html)|package\.json|LICENSE|NOTICE)$/,
};
/** Extensions of the embedded PostgreSQL that nothing loads. */
const UNUSED = [/^@electric-sql\/pglite\/dist\/.*\.tar\.gz$/];
/** Declarations, source maps and documents. */
const NOT_RUN = /\.(map|d\.[cm]?ts|md|markdown|flow|tsbuildinfo)$/i;

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;

/** The lock's path of a package as Node resolves it from another one. */
function resolve(from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const path = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (lock[path]) return path;
    if (at === "") return undefined;
  }
}

function reachable() {
  const found = new Set();
  const walk = (path) => {
    const entry = lock[path];
    const at = entry.link ? entry.resolved : path;
    if (found.has(path)) return;
    found.add(path);
    found.add(at);
    if (Object.hasOwn(SERVED, path.replace(/^node_modules\//, ""))) return;
    const { dependencies, optionalDependencies, peerDependencies } = lock[at];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const next = resolve(at.startsWith("node_modules") ? at : "", name);
      if (next) walk(next);
    }
  };
  for (const name of Object.keys(lock[""].dependencies)) walk(resolve("", name));
  return found;
}

const filesIn = (directory) =>
  readdirSync(directory, { recursive: true }).filter((file) => lstatSync(join(directory, file)).isFile());

const needed = reachable();
const installed = Object.keys(lock).filter((path) => path.startsWith("node_modules/") && existsSync(path));
for (const path of installed) if (!needed.has(path)) rmSync(path, { recursive: true, force: true });

rmSync("node_modules/.bin", { recursive: true, force: true });

let removed = 0;
for (const file of filesIn("node_modules")) {
  const served = Object.entries(SERVED).find(([name]) => file.startsWith(`${name}/`));
  const isKept = served
    ? served[1].test(file.slice(served[0].length + 1))
    : !NOT_RUN.test(file) && !UNUSED.some((pattern) => pattern.test(file));
  if (isKept) continue;
  rmSync(join("node_modules", file));
  removed += 1;
}
console.log(`${needed.size} packages stay of ${installed.length}; ${removed} files removed from them`);
