import { brokerOptions } from "./shared/broker.ts";
import { loadConfig } from "./shared/config.ts";

/** For `moleculer-runner -c moleculer.config.ts`; our own commands build their brokers from the same options. */
export default brokerOptions(loadConfig());
