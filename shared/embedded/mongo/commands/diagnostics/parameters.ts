import { CommandFault } from "../../bson/fault.ts";
import { type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { numberOf } from "../request/arguments.ts";
import type { CommandContext, CommandTable } from "../request/context.ts";

const PARAMETERS: Readonly<Record<string, BsonValue>> = {
  featureCompatibilityVersion: documentOf({ version: "7.0" }),
  enableTestCommands: true,
  transactionLifetimeLimitSeconds: 60,
  ttlMonitorSleepSecs: 60,
  authenticationMechanisms: [],
};

function getParameter({ server, args }: CommandContext): Reply {
  const known: Record<string, BsonValue> = { ...PARAMETERS, ...Object.fromEntries(server.parameters) };
  const requested = args.command.get("getParameter");
  if (requested === "*" || (isDocument(requested) && requested.get("allParameters") === true))
    return replyOf(known);
  const found = Object.entries(known).filter(([name]) => args.command.has(name));
  if (found.length === 0) throw new CommandFault(72, "no option found to get");
  return replyOf(Object.fromEntries(found));
}

/** Two parameters can be set; tests use shorter values. */
function setParameter({ server, args }: CommandContext): Reply {
  for (const name of ["transactionLifetimeLimitSeconds", "ttlMonitorSleepSecs"]) {
    const value = args.value(name);
    if (value === undefined) continue;
    const seconds = numberOf(value);
    if (seconds === null || seconds < 1)
      throw new CommandFault(2, `${name} must be a number of seconds, 1 or more`);
    const was = server.parameters.get(name) ?? PARAMETERS[name]!;
    server.parameters.set(name, value);
    if (name === "transactionLifetimeLimitSeconds") server.sessions.transactionLifetimeMs = seconds * 1000;
    return replyOf({ was });
  }
  throw new CommandFault(
    72,
    "attempted to set an unknown server parameter: transactionLifetimeLimitSeconds and ttlMonitorSleepSecs are known",
  );
}

function configureFailPoint({ server, args }: CommandContext): Reply {
  return replyOf({ count: server.failPoints.configure(args.command) });
}

export const parameterCommands: CommandTable = {
  getParameter: { run: getParameter, adminOnly: true },
  setParameter: { run: setParameter, adminOnly: true },
  configureFailPoint: { run: configureFailPoint, adminOnly: true },
};
