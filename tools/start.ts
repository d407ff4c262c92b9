import { setTimeout as delay } from "node:timers/promises";
import type { FirstLogin } from "../services/auth/access-parts.ts";
import { loadConfig } from "../shared/config.ts";
import { printsHelp, readOptions } from "./command-line.ts";
import type { Launched } from "./launch.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";
import { serviceNames } from "./service-names.ts";

const USAGE = `Usage: npm start [-- --repl]
  runs all services in this process, with their data in DATA_DIR unless MONGO_DB_URL is set
  --repl   with Moleculer's interactive console and the commands due, task, stream, lease and outbox
Settings are environment variables, or lines of a file .env: see .env.example`;

/** How long the welcome waits for an active scheduler, after the lease of a killed process has run out. */
const SCHEDULER_LIMIT_MS = 5000;
/** How long the welcome waits for the store of logins. */
const LOGIN_LIMIT_MS = 60_000;

/** `npm start`: everything in one process. */
async function start(words: readonly string[]): Promise<void> {
  const { repl = false } = readOptions(words, { flags: ["repl"], usage: USAGE });
  const config = loadConfig();
  const { launch } = await import("./launch.ts");
  let firstLogin: FirstLogin | undefined;
  const onFirstLogin = (login: FirstLogin) => {
    firstLogin = login;
  };
  const launched = await launch({ config, services: serviceNames, onFirstLogin });
  stopOnSignal(launched, config);
  launched.failed.catch(failCommand);
  await schedulerIsActive(launched);
  await loginsAreOpen(launched);
  process.stdout.write(welcome(launched.address ?? "", { isOpen: !config.authEnable, firstLogin }));
  if (!repl) return;
  const { replOptions } = await import("./inspect/repl-commands.ts");
  Object.assign(launched.broker.options, { replOptions });
  launched.broker.repl();
}

/** The welcome is printed last, so that the requests it suggests succeed at once. */
async function schedulerIsActive({ broker, config }: Launched): Promise<void> {
  if (!config.taskEnable) return;
  const { call } = await import("../shared/service.ts");
  for (const deadline = Date.now() + config.leaseMs + SCHEDULER_LIMIT_MS; Date.now() < deadline; ) {
    // The call fails if the process is stopped meanwhile.
    const status = await call(broker, "scheduler.status", {}).catch(() => undefined);
    if (!status || status.active) return;
    await delay(10);
  }
}

/** The embedded PostgreSQL takes seconds to start, and the first start makes keys and an administrator. */
async function loginsAreOpen({ broker, config }: Launched): Promise<void> {
  if (!config.authEnable) return;
  const { call } = await import("../shared/service.ts");
  for (const deadline = Date.now() + LOGIN_LIMIT_MS; Date.now() < deadline; await delay(100)) {
    // The call fails until the store is open, or if the process is stopped meanwhile.
    const keys = await call(broker, "auth.keys", {}).catch(() => undefined);
    if (keys) return;
  }
}

/** With authentication, how to log in; the password is shown at the first start only, and is in no log. */
function loginText(address: string, firstLogin: FirstLogin | undefined): string {
  const { login, password } = firstLogin ?? { login: "admin", password: "<password>" };
  const made = firstLogin
    ? `\nThe first administrator was made. Its password is shown only now:\n  login ${login}, password ${password}\n`
    : "";
  return `${made}
Log in, which takes the access token into a variable; it is valid for some minutes:
  TOKEN=$(curl -s ${address}/auth/login/create -H 'content-type: application/json' \\
    -d '{"login": "${login}", "password": "${password}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
`;
}

interface Welcome {
  readonly isOpen: boolean;
  readonly firstLogin: FirstLogin | undefined;
}

function welcome(address: string, { isOpen, firstLogin }: Welcome): string {
  const bearer = isOpen ? "" : ` -H "authorization: Bearer $TOKEN"`;
  return `
kinit-fast-task listens on ${address}
${isOpen ? "" : loginText(address, firstLogin)}
Create a first task, one that runs every 10 seconds:
  curl -X POST ${address}/scheduler/task/create${bearer} -H 'content-type: application/json' -d '{
    "name": "hello", "job_class": "test.main.Test", "job_params": {"name": "kinit", "age": 3},
    "exec_strategy": "interval", "expression": "10 * * * *", "is_active": true}'
and look at its runs:
  curl${bearer} '${address}/scheduler/task/record/list/query?v_order=desc'

Ctrl-C stops.

`;
}

const words = process.argv.slice(2);
if (!printsHelp(words, USAGE)) start(words).catch(failCommand);
