import {
  BsonDate,
  type BsonDocument,
  BsonDouble,
  documentOf,
  isDocument,
  ObjectId,
  type Timestamp,
} from "../../bson/values.ts";
import {
  MAX_BATCH_STATEMENTS,
  MAX_DOCUMENT_BYTES,
  MAX_WIRE_VERSION,
  REPLICA_SET,
  SERVER_VERSION,
} from "../../server/identity.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/frame-reader.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable, ServerState } from "../request/context.ts";

/** The election in which this single member became primary. */
const ELECTION = new ObjectId(0x7fffffff0000, 1);

/**
 * The server's description for drivers. It has no `topologyVersion`, so that drivers poll instead of streaming.
 */
function hello(context: CommandContext): Reply {
  const { server, client, args, name } = context;
  noteApplication(context);
  const isLegacyName = name !== "hello";
  const time = server.clusterTime.now();
  const opTime = documentOf({ ts: time, t: 1n });
  return replyOf({
    helloOk: args.flag("helloOk") ? true : undefined,
    [isLegacyName ? "ismaster" : "isWritablePrimary"]: true,
    hosts: [server.address],
    setName: REPLICA_SET,
    setVersion: 1,
    secondary: false,
    primary: server.address,
    me: server.address,
    electionId: ELECTION,
    lastWrite: documentOf({
      opTime,
      lastWriteDate: new BsonDate(secondsOf(time) * 1000),
      majorityOpTime: opTime,
      majorityWriteDate: new BsonDate(secondsOf(time) * 1000),
    }),
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: MAX_BATCH_STATEMENTS,
    localTime: new BsonDate(Date.now()),
    logicalSessionTimeoutMinutes: 30,
    connectionId: client.connectionId,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
  });
}

const secondsOf = ({ value }: Timestamp): number => Number(value >> 32n);

/** Clients send their name once per connection. */
function noteApplication({ args, client }: CommandContext): void {
  const introduction = args.value("client");
  const application = isDocument(introduction) ? introduction.get("application") : undefined;
  const name = isDocument(application) ? application.get("name") : undefined;
  if (typeof name === "string") client.applicationName = name;
}

const buildInfo = (): Reply =>
  replyOf({
    version: SERVER_VERSION,
    versionArray: SERVER_VERSION.split(".").map(Number).concat(0),
    gitVersion: "embedded",
    modules: ["embedded"],
    allocator: "v8",
    javascriptEngine: "none",
    sysInfo: "deprecated",
    bits: 64,
    debug: false,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    storageEngines: ["embedded"],
    ok: new BsonDouble(1),
  });

const whatsMyUri = ({ client }: CommandContext): Reply =>
  replyOf({ you: `127.0.0.1:${client.connectionId}` });

/** The status of the single member, for tools that monitor replica sets. */
function replicaSetStatus({ server }: CommandContext): Reply {
  return replyOf({
    set: REPLICA_SET,
    date: new BsonDate(Date.now()),
    myState: 1,
    term: 1n,
    members: [memberStatus(server)],
  });
}

const memberStatus = ({ address, startedAt, clusterTime }: ServerState): BsonDocument =>
  documentOf({
    _id: 0,
    name: address,
    health: new BsonDouble(1),
    state: 1,
    stateStr: "PRIMARY",
    uptime: Math.floor((Date.now() - startedAt) / 1000),
    optime: documentOf({ ts: clusterTime.now(), t: 1n }),
    self: true,
  });

const replicaSetConfig = ({ server }: CommandContext): Reply =>
  replyOf({
    config: documentOf({
      _id: REPLICA_SET,
      version: 1,
      term: 1,
      members: [
        documentOf({
          _id: 0,
          host: server.address,
          arbiterOnly: false,
          hidden: false,
          priority: 1,
          votes: 1,
        }),
      ],
    }),
  });

export const helloCommands: CommandTable = {
  hello: { run: hello, inTransaction: true },
  isMaster: { run: hello, inTransaction: true },
  ismaster: { run: hello, inTransaction: true },
  ping: { run: () => replyOf({}) },
  buildInfo: { run: buildInfo },
  buildinfo: { run: buildInfo },
  whatsmyuri: { run: whatsMyUri },
  replSetGetStatus: { run: replicaSetStatus, adminOnly: true },
  replSetGetConfig: { run: replicaSetConfig, adminOnly: true },
};
