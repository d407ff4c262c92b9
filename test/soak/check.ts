import { MongoClient } from "mongodb";
import { type BusContents, checkBus } from "./check-bus.ts";
import { checkCommands, checkResponses } from "./check-commands.ts";
import { checkExcuses, checkOverlaps, checkProgress, checkRecords } from "./check-runs.ts";
import { checkStops } from "./check-stops.ts";
import type { Round } from "./round.ts";
import { readStored, type Stored } from "./stored.ts";
import { readHistory, type TaskHistory } from "./task-history.ts";

export interface Verdict {
  readonly faults: readonly string[];
  readonly summary: string;
}

/** Holds what a round left behind against what was promised. */
export async function checkRound(
  round: Round,
  mongoUrl: string,
  bus: BusContents | undefined,
): Promise<Verdict> {
  const client = await new MongoClient(mongoUrl).connect();
  try {
    const stored = await readStored(client.db());
    const histories = [...stored.streams]
      .filter(([stream]) => stream.startsWith("task-"))
      .map(([, events]) => readHistory(events));
    const faults = [
      ...round.faults,
      ...histories.flatMap((history) => history.faults),
      ...checkStreams(stored),
      ...checkRecords(histories, stored),
      ...histories.flatMap((history) => checkOverlaps(history, stored, bus === undefined)),
      ...histories.flatMap((history) => checkExcuses(history, stored, round)),
      ...histories.flatMap((history) => checkProgress(history, stored, round)),
      ...checkCommands(round.sentCommands, histories),
      ...checkResponses(round.sentCommands, round.calmAt),
      ...checkStops(round.sentCommands, histories, stored, round.calledAt),
      ...checkOutboxes(stored),
      ...(bus ? checkBus(bus, stored) : checkLocalBus(stored)),
    ];
    return { faults, summary: summaryOf({ histories, stored, round }) };
  } finally {
    await client.close();
  }
}

function checkStreams({ streams }: Stored): string[] {
  return [...streams]
    .filter(([, events]) => events.some(({ version }, index) => version !== index + 1))
    .map(([stream, events]) => `${stream} has the versions ${events.map(({ version }) => version)}`);
}

function checkOutboxes({ outboxes, streams }: Stored): string[] {
  const events = [...streams.values()].flat();
  return outboxes.flatMap(({ _id, position, pending }) => {
    const unsent = events.filter((event) => event.writer === _id && event._id > position).length;
    return unsent + pending.length > 0
      ? [`outbox ${_id} has ${unsent} and ${pending.length} unsent events`]
      : [];
  });
}

/** In one process an outcome is accepted when it is stored, so a second one means that the run was begun again. */
function checkLocalBus({ records, deadLetters }: Stored): string[] {
  const again = [...records]
    .filter(([, { contradictions = 0 }]) => contradictions > 0)
    .map(([id]) => `run ${id} was executed again after its outcome was stored`);
  return deadLetters.length > 0 ? [...again, `${deadLetters.length} dead letters`] : again;
}

interface Summed {
  readonly histories: readonly TaskHistory[];
  readonly stored: Stored;
  readonly round: Round;
}

function summaryOf({ histories, stored: { records }, round: { sentCommands } }: Summed): string {
  const statuses = new Map<string, number>();
  for (const { status, skip } of records.values()) {
    const name = skip ? `${skip.reason} (occurrences)` : status;
    statuses.set(name, (statuses.get(name) ?? 0) + (skip?.count ?? 1));
  }
  const repeated = [...records.values()].filter(({ attempts = [] }) => attempts.length > 1).length;
  const counts = [...statuses].sort().map(([name, count]) => `${count} ${name}`);
  const responses = Map.groupBy(sentCommands, ({ outcome }) => outcome);
  const commands = [...responses].map(([outcome, { length }]) => `${length} ${outcome}`);
  return [
    `${histories.length} tasks`,
    counts.join(", "),
    `${repeated} runs executed more than once`,
    `commands: ${commands.join(", ")}`,
  ].join("; ");
}
