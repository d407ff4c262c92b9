import type { Context, Middleware, Service, ServiceBroker } from "moleculer";
import type { DomainEnvelope, EventPattern, Matching } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Meta } from "../service.ts";
import type { BatchOptions, Bus, Delivery, SendOptions, Subscription, SubscriptionHandle } from "./bus.ts";

interface ChannelOptions {
  /** Default: the service's name. */
  readonly group?: string;
  /** Default: 50; with a batch, 4 batches. */
  readonly maxInFlight?: number;
  /** Default: 30,000. */
  readonly ackWaitMs?: number;
  /** Default: 5. */
  readonly maxDeliver?: number;
  /** Default: 0.2, 1, 5 and 30 seconds. */
  readonly backoffMs?: readonly number[];
}

/** The contents of `ctx.locals` in a channel's handler. */
export interface ChannelLocals {
  readonly deliveries: readonly Delivery[];
}
export type ChannelContext<Params = unknown> = Context<
  Params,
  Meta & { causationid?: string },
  ChannelLocals
>;

/**
 * One entry of a service's `channels` block. `ctx.params` is the event, or the events if `batch` is given;
 * `ctx.requestID` is the event's correlation id, which calls made with `ctx.call` carry on.
 */
export interface Channel extends ChannelOptions {
  readonly batch?: BatchOptions;
  handler(this: Service, ctx: ChannelContext<never>): unknown;
}
export type Channels = { readonly [P in EventPattern]?: Channel };

/** One event without a batch, several with one. */
type Delivered<B, One> = B extends BatchOptions ? readonly One[] : One;
interface TypedChannel<P extends EventPattern, B> extends ChannelOptions {
  readonly batch?: B & BatchOptions;
  readonly handler: (
    received: Delivered<B, DomainEnvelope<Matching<P>>>,
    delivery: Delivered<B, Delivery>,
    ctx: ChannelContext,
  ) => unknown;
}

/**
 * Declares a `channels` block whose handlers receive the events that their pattern matches: a misspelt pattern, or a
 * handler for another event, does not compile.
 * @example channels: subscribe({ "task.due": { group: "executor", handler: (due, delivery) => execute(due, delivery) } })
 */
export function subscribe<B extends { readonly [P in EventPattern]?: unknown }>(
  channels: {
    readonly [P in keyof B]: P extends EventPattern ? TypedChannel<P, B[P]> : never;
  },
): Channels {
  const entries = Object.entries(channels) as [string, TypedChannel<never, BatchOptions | undefined>][];
  return Object.fromEntries(
    entries.map(([pattern, channel]) => {
      const handler = channel.handler as (
        received: unknown,
        delivery: unknown,
        ctx: ChannelContext,
      ) => unknown;
      const unwrapped: Channel["handler"] = (ctx) => {
        const { deliveries } = ctx.locals;
        return handler(ctx.params, channel.batch ? deliveries : deliveries[0], ctx);
      };
      return [pattern, { ...channel, handler: unwrapped }];
    }),
  );
}

declare module "moleculer" {
  interface ServiceBroker {
    readonly bus: Bus;
    /** Sends an event to every group that is subscribed to it; see `Bus.send`. */
    sendToChannel(event: DomainEnvelope, options?: SendOptions): Promise<void>;
  }
  interface ServiceSchema {
    channels?: Channels;
  }
}

/**
 * Adds the `channels` block to services, and `sendToChannel` and `bus` to the broker. The bus starts before the services
 * and stops after them; a service's subscriptions start after it has started and are drained before it stops.
 */
export function channels(bus: Bus): Middleware {
  const handles = new Map<Service, SubscriptionHandle[]>();
  return {
    name: "Channels",
    created(broker) {
      Object.assign(broker, { bus, sendToChannel: bus.send.bind(bus) });
    },
    starting: () => bus.start(),
    async serviceStarted(service) {
      const started: SubscriptionHandle[] = [];
      handles.set(service, started);
      const entries = Object.entries(service.schema.channels ?? {}) as [EventPattern, Channel][];
      for (const [pattern, channel] of entries)
        started.push(await bus.subscribe(subscriptionOf(service, pattern, channel)));
    },
    async serviceStopping(service) {
      await Promise.all((handles.get(service) ?? []).map((handle) => handle.stop()));
      handles.delete(service);
    },
    async stopped(broker) {
      await bus
        .stop()
        .catch((error) => broker.logger.error({ reason: errorMessage(error) }, "the bus did not stop"));
    },
  };
}

function subscriptionOf(service: Service, pattern: EventPattern, channel: Channel): Subscription {
  const { batch, handler } = channel;
  const options = {
    pattern,
    group: channel.group ?? service.name,
    maxInFlight: channel.maxInFlight ?? (batch ? batch.maxSize * 4 : 50),
    ackWaitMs: channel.ackWaitMs ?? 30_000,
    maxDeliver: channel.maxDeliver ?? 5,
    backoffMs: channel.backoffMs ?? [200, 1000, 5000, 30_000],
  };
  if (batch)
    return {
      ...options,
      batch,
      handleBatch: (events, deliveries) =>
        handler.call(service, contextOf(service, events, { deliveries, cause: undefined })),
    };
  return {
    ...options,
    handle: (event, delivery) =>
      handler.call(service, contextOf(service, event, { deliveries: [delivery], cause: event })),
  };
}

/** A batch has many causes, so its context has none. */
function contextOf(
  service: Service,
  params: unknown,
  { deliveries, cause }: ChannelLocals & { cause: DomainEnvelope | undefined },
): ChannelContext<never> {
  const broker: ServiceBroker = service.broker;
  const ctx = new broker.ContextFactory(broker, null as never) as ChannelContext<unknown>;
  ctx.service = service;
  ctx.params = params;
  ctx.locals = { deliveries };
  if (cause) {
    ctx.requestID = cause.correlationid ?? cause.id;
    ctx.meta = { actor: cause.actor, traceparent: cause.traceparent, causationid: cause.id };
  }
  return ctx as ChannelContext<never>;
}
