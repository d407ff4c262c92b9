import { type BrokerOptions, ServiceBroker } from "moleculer";
import { channels } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { systemClock } from "../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { validatorOptions } from "../../shared/contracts/contract.ts";
import { call } from "../../shared/service.ts";
import type { TestPostgres } from "../../test/postgres.ts";
import { silentLog } from "../../test/silent-log.ts";
import { authService } from "./auth.service.ts";

/** The auth service on a real broker, and what it publishes. */
export interface AuthUnderTest {
  readonly broker: ServiceBroker;
  /** Every event of users, roles and tests, as the bus delivered them. */
  readonly events: readonly DomainEnvelope[];
  call<N extends ActionName>(
    name: N,
    params: ActionParams<N>,
    headers?: Record<string, string>,
  ): Promise<ActionResult<N>>;
  stop(): Promise<void>;
}

export async function startAuth({ dataDir, ormDatabaseUrl }: TestPostgres): Promise<AuthUnderTest> {
  const events: DomainEnvelope[] = [];
  const collect = { handler: ({ params }: { params: DomainEnvelope }) => void events.push(params) };
  const bus = localBus({ deadLetter: async () => {}, logger: silentLog });
  const broker = new ServiceBroker({
    logger: false,
    validator: { type: "Fastest", options: validatorOptions } as BrokerOptions["validator"],
    middlewares: [channels(bus)],
  });
  const config = { dataDir, ormDatabaseUrl, ormDatabaseEcho: false, natsUrl: "" };
  broker.createService(authService({ config, clock: systemClock }));
  broker.createService({
    name: "listener",
    channels: { "user.*": collect, "role.*": collect, "auth_test.*": collect },
  });
  await broker.start();
  return {
    broker,
    events,
    call: (name, params, headers) => call(broker, name, params, headers ? { headers } : {}),
    stop: () => broker.stop(),
  };
}
