import type { FirstLogin } from "../services/auth/access-parts.ts";
import { loadConfig } from "../shared/config.ts";
import { printsHelp, UsageFault } from "./command-line.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";
import { type ServiceName, serviceNames } from "./service-names.ts";

const USAGE = `Usage: npm run service -- <name> [<name> …]
  runs services in a process of their own: ${serviceNames.join(", ")}
  They meet over NATS and share one MongoDB: set NATS_URL and MONGO_DB_URL. All settings: .env.example`;

/** `npm run service -- scheduler executor`: some services in a process of their own, over NATS. */
async function run(words: readonly string[]): Promise<void> {
  const services = namesFrom(words);
  const config = loadConfig();
  if (!config.natsUrl) {
    throw new UsageFault("NATS_URL is missing: services in processes of their own meet over NATS.", USAGE);
  }
  const { launch } = await import("./launch.ts");
  const launched = await launch({ config, services, onFirstLogin: printFirstLogin });
  stopOnSignal(launched, config);
  const where = launched.address ? `, listening on ${launched.address}` : "";
  process.stdout.write(`${services.join(", ")} ready as ${launched.broker.nodeID}${where}\n`);
}

/** On standard output, and never in a log. */
function printFirstLogin({ login, password }: FirstLogin): void {
  process.stdout.write(`The first administrator, shown only now: login ${login}, password ${password}\n`);
}

function namesFrom(words: readonly string[]): readonly ServiceName[] {
  const unknown = words.find((word) => !serviceNames.includes(word as ServiceName));
  if (unknown !== undefined) throw new UsageFault(`There is no service '${unknown}'.`, USAGE);
  const repeated = words.find((word, position) => words.indexOf(word) < position);
  if (repeated !== undefined) throw new UsageFault(`'${repeated}' is named twice.`, USAGE);
  if (words.length === 0) throw new UsageFault("No service is named.", USAGE);
  return words as ServiceName[];
}

const words = process.argv.slice(2);
if (!printsHelp(words, USAGE)) run(words).catch(failCommand);
