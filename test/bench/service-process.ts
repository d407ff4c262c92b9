import { print } from "@kinit/embedded-mongo/bench/distribution";
import { loadConfig } from "../../shared/config.ts";
import { launch } from "../../tools/launch.ts";
import { failCommand, stopOnSignal } from "../../tools/run-until-stopped.ts";
import type { ServiceName } from "../../tools/service-names.ts";
import { noop } from "./noop-handler.ts";

/** `npm run service` with the no-op handler, and its CPU time and memory on request (SIGUSR2). */
async function run(): Promise<void> {
  const services = process.argv.slice(2) as ServiceName[];
  const launched = await launch({ config: loadConfig(), services, handlers: [noop] });
  stopOnSignal(launched, launched.config);
  process.on("SIGUSR2", () => {
    const { user, system } = process.cpuUsage();
    print(`usage ${(user + system) / 1000} ${process.memoryUsage.rss() / 2 ** 20}`);
  });
  print(`${services.join(", ")} ready as ${launched.broker.nodeID}`);
}

run().catch(failCommand);
