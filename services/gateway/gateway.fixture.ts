import type { AddressInfo } from "node:net";
import { type BrokerOptions, ServiceBroker, type ServiceSchema } from "moleculer";
import { aliases } from "../../shared/contracts/contract.ts";
import { brokerLogger, createLogger } from "../../shared/logger.ts";
import type { GatewayDeps, GatewayService } from "./gateway.service.ts";
import { gatewayService } from "./gateway.service.ts";

export interface RunningGateway {
  readonly broker: ServiceBroker;
  readonly service: GatewayService;
  readonly origin: string;
  /** Every line logged so far. */
  readonly lines: () => readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

interface Surroundings {
  readonly services: readonly ServiceSchema[];
  readonly config?: Partial<GatewayDeps["config"]>;
  readonly readiness?: GatewayDeps["readiness"];
  readonly transporter?: BrokerOptions["transporter"];
}

/** A broker with the gateway on a free port and the given services beside it. */
export async function runGateway(surroundings: Surroundings): Promise<RunningGateway> {
  const { services, config, readiness, transporter } = surroundings;
  const written: string[] = [];
  const logger = createLogger(
    { logLevel: "info", logFormat: "json" },
    { write: (line: string) => void written.push(line) },
  );
  const broker = new ServiceBroker({
    nodeID: "gateway-spec",
    transporter: transporter ?? null,
    logger: brokerLogger({ logLevel: "info", logFormat: "json" }, logger),
    validator: { type: "Fastest", options: { aliases } } as never,
    tracking: { enabled: true, shutdownTimeout: 5000 },
  });
  for (const schema of services) broker.createService(schema);
  const service = broker.createService(
    gatewayService({
      config: {
        serverHost: "127.0.0.1",
        serverPort: 0,
        timezone: "Asia/Shanghai",
        taskEnable: true,
        callTimeoutMs: 2000,
        drainMs: 2000,
        ...config,
      },
      ...(readiness ? { readiness } : {}),
    }),
  ) as GatewayService;
  await broker.start();
  const { port } = service.server.address() as AddressInfo;
  return {
    broker,
    service,
    origin: `http://127.0.0.1:${port}`,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    stop: () => broker.stop(),
  };
}
