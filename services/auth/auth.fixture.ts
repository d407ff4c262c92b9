import { type BrokerOptions, ServiceBroker } from "moleculer";
import { channels } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { systemClock } from "../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { validatorOptions } from "../../shared/contracts/contract.ts";
import { permissionCheck } from "../../shared/permission-check.ts";
import { call, type Meta } from "../../shared/service.ts";
import type { TestPostgres } from "../../test/postgres.ts";
import { silentLog } from "../../test/silent-log.ts";
import type { FirstLogin } from "./access-parts.ts";
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
  /** The same on behalf of a user. */
  callAs<N extends ActionName>(meta: Meta, name: N, params: ActionParams<N>): Promise<ActionResult<N>>;
  /** The administrator that the start made, if it made one. */
  firstLogin(): FirstLogin | undefined;
  /** What gateways have to reject from then on. */
  readonly revoked: readonly unknown[];
  stop(): Promise<void>;
}

const NO_LOGIN = { authEnable: false, accessTokenMs: 600_000, sessionMs: 3_600_000 };

export interface AuthSettings {
  readonly authEnable: boolean;
  readonly accessTokenMs: number;
  readonly sessionMs: number;
}

export async function startAuth(
  { dataDir, ormDatabaseUrl }: TestPostgres,
  settings: AuthSettings = NO_LOGIN,
): Promise<AuthUnderTest> {
  const events: DomainEnvelope[] = [];
  const collect = { handler: ({ params }: { params: DomainEnvelope }) => void events.push(params) };
  const bus = localBus({ deadLetter: async () => {}, logger: silentLog });
  const broker = new ServiceBroker({
    logger: false,
    validator: { type: "Fastest", options: validatorOptions } as BrokerOptions["validator"],
    middlewares: [permissionCheck(settings), channels(bus)],
  });
  const config = { dataDir, ormDatabaseUrl, ormDatabaseEcho: false, natsUrl: "", ...settings };
  let firstLogin: FirstLogin | undefined;
  broker.createService(
    authService({
      config,
      clock: systemClock,
      onFirstLogin: (login) => {
        firstLogin = login;
      },
    }),
  );
  const revoked: unknown[] = [];
  broker.createService({
    name: "listener",
    events: { "auth.revoked": ({ params }: { params: unknown }) => void revoked.push(params) },
    channels: { "user.*": collect, "role.*": collect, "auth_test.*": collect, "session.*": collect },
  });
  await broker.start();
  return {
    broker,
    events,
    call: (name, params, headers) => call(broker, name, params, headers ? { headers } : {}),
    callAs: (meta, name, params) => call(broker, name, params, { meta }),
    firstLogin: () => firstLogin,
    revoked,
    stop: () => broker.stop(),
  };
}
