import { connect, type JetStreamManager, type NatsConnection } from "nats";
import type { Bus, DeadLetter } from "../../shared/bus/bus.ts";
import { type JetStreamBusOptions, jetStreamBus } from "../../shared/bus/jetstream/jetstream-bus.ts";
import { DEAD_STREAM } from "../../shared/bus/jetstream/streams.ts";
import type { BusUnderTest, OpenOptions } from "./bus-test.ts";
import { type NatsServer, startNatsServer } from "./nats-server.ts";

export interface JetStreamUnderTest extends BusUnderTest {
  readonly server: NatsServer;
  /** A plain NATS client, as another program uses it. */
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
}

export type JetStreamLimits = Partial<Pick<JetStreamBusOptions, "maxBytes" | "maxAgeMs" | "audience">>;

/** Starts a NATS server with a bus on it and a plain client. */
export async function openJetStream({
  logger,
  isTiny,
  limits,
}: OpenOptions & { limits?: JetStreamLimits }): Promise<JetStreamUnderTest> {
  const server = await startNatsServer();
  const buses: Bus[] = [];
  const open = async (): Promise<Bus> => {
    const bus = jetStreamBus({
      url: server.url,
      name: `test-${buses.length}`,
      logger,
      audience: {},
      maxBytes: isTiny ? 32_768 : 67_108_864,
      maxAgeMs: isTiny ? 1000 : 3_600_000,
      publishTimeoutMs: 2000,
      ...limits,
    });
    buses.push(bus);
    await bus.start();
    return bus;
  };
  const bus = await open();
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const manager = await nats.jetstreamManager();
  const limitDeadLetters = async (maxMessageBytes: number) => {
    await manager.streams.update(DEAD_STREAM, { max_msg_size: maxMessageBytes });
  };
  return {
    bus,
    server,
    nats,
    manager,
    other: open,
    deadLetters: () => readDeadLetters(manager),
    refuseDeadLetters: () => limitDeadLetters(1),
    acceptDeadLetters: () => limitDeadLetters(-1),
    async close() {
      await Promise.all(buses.map((each) => each.stop()));
      await nats.close();
      await server.stop();
    },
  };
}

async function readDeadLetters(manager: JetStreamManager): Promise<DeadLetter[]> {
  const { state } = await manager.streams.info(DEAD_STREAM);
  const letters: DeadLetter[] = [];
  for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++)
    letters.push((await manager.streams.getMessage(DEAD_STREAM, { seq })).json<DeadLetter>());
  return letters;
}
