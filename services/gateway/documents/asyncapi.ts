import packageFile from "../../../package.json" with { type: "json" };
import { audience } from "../../../shared/contracts/audience.ts";
import { catalogue, type EventPattern, matchesPattern } from "../../../shared/contracts/catalogue.ts";
import type { EventContract } from "../../../shared/contracts/event.ts";
import { type JsonSchema, objectSchema } from "../../../shared/contracts/json-schema.ts";

type Json = Readonly<Record<string, unknown>>;

const contracts = Object.entries(catalogue.contracts) as readonly (readonly [string, EventContract])[];

/**
 * Returns the AsyncAPI 3 document of all events: a channel for each NATS subject, an operation for the service that
 * publishes an event, and one for each group that receives it.
 */
export function asyncApiDocument(): Json {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "KINIT FAST TASK events",
      version: packageFile.version,
      description:
        "Events of the platform in the JetStream stream KINIT. Each is a CloudEvents 1.0 envelope in JSON. Delivery is at least once: deduplicate by id. A published event is never changed; it gets new optional fields, or a new version.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      nats: {
        host: "127.0.0.1:4222",
        protocol: "nats",
        description: "The NATS server with JetStream that NATS_URL names.",
      },
    },
    channels: Object.fromEntries(contracts.map(channel)),
    operations: Object.fromEntries([
      ...contracts.map(publishing),
      ...Object.entries(audience).flatMap(receiving),
    ]),
    components: {
      messages: Object.fromEntries(contracts.map(message)),
      schemas: { Envelope: envelope },
    },
  };
}

const channelRef = (type: string): Json => ({ $ref: `#/channels/${type}` });

function channel([type, { summary }]: readonly [string, EventContract]): [string, Json] {
  const messages = { [type]: { $ref: `#/components/messages/${type}` } };
  return [type, { address: `kinit.${type}`, summary, messages }];
}

function publishing([type, { source, summary }]: readonly [string, EventContract]): [string, Json] {
  const operation = { action: "send", channel: channelRef(type), summary, tags: [{ name: source }] };
  return [`${source}.publishes.${type}`, operation];
}

function receiving([group, patterns]: readonly [string, readonly EventPattern[]]): [string, Json][] {
  return contracts
    .filter(([type]) => patterns.some((pattern) => matchesPattern(pattern, type)))
    .map(([type]) => {
      const summary = `The group ${group} receives ${type}.`;
      const operation = { action: "receive", channel: channelRef(type), summary, tags: [{ name: group }] };
      return [`${group}.receives.${type}`, operation];
    });
}

const text = { type: "string" };
const envelope: JsonSchema = {
  type: "object",
  properties: {
    specversion: { const: "1.0" },
    id: { ...text, format: "uuid", description: "UUIDv7: unique, and ascending for one writer" },
    type: text,
    source: { ...text, description: "The service that published it" },
    subject: { ...text, description: "The stream that it belongs to" },
    time: { ...text, format: "date-time" },
    dataschema: { ...text, description: "<type>/<version>" },
    correlationid: { ...text, description: "The request or occurrence that started the chain of events" },
    causationid: { ...text, description: "The event or request that led to this event" },
    traceparent: { ...text, description: "W3C Trace Context" },
    actor: { ...text, description: "User or service on whose behalf it happened" },
    data: {},
  },
  required: ["specversion", "id", "type", "source", "subject", "time", "dataschema", "data"],
};

function message([type, contract]: readonly [string, EventContract]): [string, Json] {
  const { version, source, stream, summary, data, example } = contract;
  const dataschema = `${type}/${version}`;
  const payload = {
    allOf: [
      { $ref: "#/components/schemas/Envelope" },
      {
        type: "object",
        properties: {
          type: { const: type },
          source: { const: source },
          dataschema: { const: dataschema },
          data: objectSchema(data),
        },
      },
    ],
  };
  const exampleEvent = {
    specversion: "1.0",
    id: "019b8d3f-2c00-7000-8000-000000000001",
    type,
    source,
    subject: `${stream}-66f2a1b00a1b2c3d4e5f6070`,
    time: "2026-01-05T08:00:00.000Z",
    dataschema,
    data: example,
  };
  return [
    type,
    {
      name: type,
      title: type,
      summary,
      contentType: "application/json",
      headers: {
        type: "object",
        properties: {
          "Nats-Msg-Id": { ...text, description: "The id of the event" },
          "Kinit-Resent": { ...text, description: "Set if the event may have been published before" },
        },
      },
      payload,
      examples: [{ name: type, payload: exampleEvent }],
    },
  ];
}
