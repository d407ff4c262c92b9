import { loadConfig } from "../shared/config.ts";
import { AppError } from "../shared/errors.ts";
import { launch } from "./launch.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";
import { type ServiceName, serviceNames } from "./service-factories.ts";

/** `npm run service -- scheduler executor`: some services in a process of their own, over NATS. */
async function run(): Promise<void> {
  const config = loadConfig();
  const services = namesFrom(process.argv.slice(2));
  if (!config.natsUrl) throw usage("NATS_URL is missing: services in processes of their own meet over NATS");
  const launched = await launch({ config, services });
  stopOnSignal(launched);
  const where = launched.address ? `, listening on ${launched.address}` : "";
  process.stdout.write(`${services.join(", ")} ready as ${launched.broker.nodeID}${where}\n`);
}

function namesFrom(words: readonly string[]): readonly ServiceName[] {
  const unknown = words.find((word) => !serviceNames.includes(word as ServiceName));
  if (unknown !== undefined) throw usage(`There is no service ${unknown}`);
  if (words.length === 0) throw usage("No service is named");
  return [...new Set(words)] as ServiceName[];
}

function usage(fault: string): AppError {
  return new AppError(
    `${fault}.\nUsage: NATS_URL=nats://… MONGO_DB_URL=mongodb://… npm run service -- <name> [<name> …]\nServices: ${serviceNames.join(", ")}`,
    { type: "USAGE", code: 400 },
  );
}

run().catch(failCommand);
