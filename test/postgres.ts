import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { startPostgresThread } from "../shared/embedded/postgres/start-postgres-thread.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A PostgreSQL for one file of tests, with an empty database: settings for the service, and its end. */
export interface TestPostgres {
  readonly dataDir: string;
  /** Empty for the embedded one. */
  readonly ormDatabaseUrl: string;
  /** Stops a server at once, as a crash does; it starts again by `restart`. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The embedded PostgreSQL in a directory of its own, a copy of one that was initialised once. */
export async function embeddedPostgres(): Promise<TestPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), "kinit-postgres-"));
  await cp(await initialised(), join(dataDir, "postgres"), { recursive: true });
  const nothing = async () => {};
  return {
    dataDir,
    ormDatabaseUrl: "",
    crash: nothing,
    restart: nothing,
    close: () => rm(dataDir, { recursive: true, force: true }),
  };
}

/** Initialising takes seconds of computing, so it is done once for a machine. */
async function initialised(): Promise<string> {
  const path = join(tmpdir(), `kinit-pglite-0.5.8-${userInfo().uid}`);
  if (existsSync(join(path, "COMPLETE"))) return path;
  const draft = await mkdtemp(join(tmpdir(), "kinit-pglite-"));
  const thread = await startPostgresThread({ directory: join(draft, "cluster"), isHeld: () => true });
  await thread.close();
  await cp("package.json", join(draft, "COMPLETE"));
  // Another process may have been faster.
  await rename(draft, path).catch(() => rm(draft, { recursive: true, force: true }));
  return path;
}

/** The directory of a PostgreSQL server's programs; undefined if there is none on this machine. */
export const postgresPrograms: string | undefined = findPrograms();

function findPrograms(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = versions.map((version) => join(debian, version, "bin"));
  try {
    candidates.push(
      execFileSync("pg_config", ["--bindir"], { stdio: ["ignore", "pipe", "ignore"] })
        .toString()
        .trim(),
    );
  } catch {
    // No pg_config: only Debian's directories are left.
  }
  return candidates.find((directory) => existsSync(join(directory, "initdb")));
}

/** A server of its own. PostgreSQL refuses to run as root, so root starts it as `postgres` or `nobody`. */
export async function serverPostgres(): Promise<TestPostgres> {
  const programs = postgresPrograms as string;
  const dataDir = await mkdtemp(join(tmpdir(), "kinit-postgres-"));
  const identity = unprivileged();
  if (identity) chownSync(dataDir, identity.uid, identity.gid);
  const cluster = join(dataDir, "cluster");
  const options = { ...identity, cwd: dataDir, stdio: "ignore" } as const;
  const initdb = spawn(
    join(programs, "initdb"),
    ["-D", cluster, "-U", "kinit", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
    options,
  );
  const [status] = await once(initdb, "exit");
  if (status !== 0) throw new Error(`initdb ended with status ${status}`);
  const port = await freePort();
  let server: ChildProcess;
  const start = async () => {
    const settings = ["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${dataDir}`];
    server = spawn(join(programs, "postgres"), ["-D", cluster, "-p", String(port), ...settings], options);
    await eventually(() => existsSync(join(dataDir, `.s.PGSQL.${port}`)));
    await eventually(() => isReady(programs, port));
  };
  const stop = async (signal: NodeJS.Signals) => {
    const exited = once(server, "exit");
    server.kill(signal);
    await exited;
  };
  await start();
  return {
    dataDir,
    ormDatabaseUrl: `postgresql+asyncpg://kinit@127.0.0.1:${port}/postgres`,
    crash: () => stop("SIGQUIT"),
    restart: start,
    async close() {
      await stop("SIGINT");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function isReady(programs: string, port: number): boolean {
  try {
    execFileSync(join(programs, "pg_isready"), ["-h", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const idOf = (option: string) =>
        Number(execFileSync("id", [option, name], { stdio: ["ignore", "pipe", "ignore"] }).toString());
      return { uid: idOf("-u"), gid: idOf("-g") };
    } catch {
      // No such user: try the next one.
    }
  }
  return undefined;
}

/** The databases that tests of SQL run on; the second one is skipped, with a printed reason, where it is missing. */
export const postgresKinds = [
  { name: "the embedded PostgreSQL", start: embeddedPostgres, skip: false },
  {
    name: "a PostgreSQL server",
    start: serverPostgres,
    skip: postgresPrograms === undefined && "PostgreSQL is not installed: apt-get install -y postgresql",
  },
] as const;
