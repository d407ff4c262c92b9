import type { DomainEnvelope, DomainEvent } from "../contracts/catalogue.ts";
import { CommandLate } from "../contracts/command.ts";
import { DeadlinePassed } from "./command-failure.ts";
import type { CommandFence, CommandHandlerOptions } from "./command-handler-options.ts";
import {
  type AcceptedEvents,
  type BatchItem,
  type DecidedBatch,
  type DecidedCommand,
  decideBatch,
  type StreamStep,
  type Submission,
} from "./decide-batch.ts";
import type { Transaction } from "./event-store.ts";
import { findOutcomes, loadStates, NO_OUTCOMES } from "./load-batch.ts";

export interface CommitAttempt {
  /** False once a conflict has shown that all states and outcomes have to be looked up. */
  readonly isFirst: boolean;
  /** The epoch that the batch is decided under; null without a fence. */
  readonly epoch: number | null;
}

/**
 * Loads, decides and stores a batch in one transaction, then reports to each of its items. If it throws, nothing was
 * stored, or its outcome is unknown, and no item has been reported to but those that were late.
 */
export async function commitBatch<State, Command, Event extends { readonly type: string }>(
  options: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  attempt: CommitAttempt,
): Promise<void> {
  const timely = rejectLate(batch, options.clock.now());
  if (timely.length === 0) return;
  const commit = options.reads === "within" ? decideWithin : decideBefore;
  const { steps, results } = await commit(options, factsFirst(timely, options), attempt);
  for (const step of steps) {
    if (!hasMoved(step) && !step.hasRepeated) continue;
    const { id, base, after, version } = step;
    const now = { state: after, version };
    if (options.cache?.has(id)) options.cache.set(id, now);
    options.onMoved?.(id, now, base.state);
  }
  for (const { item, decisions, refusal } of results) {
    if (refusal) item.reject(refusal.error);
    else item.resolve(decisions);
  }
}

/** For states that can change without an event on their stream: only a read in the transaction notices that. */
function decideWithin<State, Command, Event extends { readonly type: string }>(
  options: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  { isFirst, epoch }: CommitAttempt,
): Promise<DecidedBatch<State, Command, Event>> {
  const { store, decider, fence } = options;
  return store.transact(async (transaction) => {
    if (fence && epoch !== null) await fence.hold(transaction, epoch);
    const outcomes = await findOutcomes(options, batch, { isFirst, transaction });
    const states = await loadStates(options, batch, { isFirst, outcomes, transaction });
    const accept = (id: string, command: DecidedCommand<Command, Event>) =>
      storeEvents(options, transaction, { id, ...command });
    const decided = decideBatch(batch, { decider, states, outcomes, accept });
    await project(options, transaction, decided.steps.filter(hasChanged));
    return decided;
  });
}

/** For states that change with the version of their stream: the transaction is left out where nothing changes. */
async function decideBefore<State, Command, Event extends { readonly type: string }>(
  options: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  { isFirst, epoch }: CommitAttempt,
): Promise<DecidedBatch<State, Command, Event>> {
  const { store, decider, fence, clock, destinationOf = toStream } = options;
  const [states, outcomes] = await Promise.all([
    loadStates(options, batch, { isFirst, outcomes: NO_OUTCOMES, transaction: null }),
    findOutcomes(options, batch, { isFirst, transaction: null }),
  ]);
  const accept = (_: string, { events, version }: DecidedCommand<Command, Event>) => {
    const stored = events.filter((event) => destinationOf(event) !== "fold");
    return { folded: events, stored, version: version + stored.length };
  };
  const decided = decideBatch(batch, { decider, states, outcomes, accept });
  const changed = decided.steps.filter(hasChanged);
  if (changed.length > 0) {
    const deadline = earliestDeadline(batch);
    await store.transact(async (transaction) => {
      if (clock.now() > deadline) throw new DeadlinePassed();
      if (fence && epoch !== null) await fence.hold(transaction, epoch);
      for (const { id, decided: commands } of changed)
        for (const command of commands) storeEvents(options, transaction, { id, ...command });
      await project(options, transaction, changed);
    });
  } else if (fence && epoch !== null && batch.some((item) => isRelevant(item, fence))) {
    await fence.check(epoch);
  }
  return decided;
}

/** Stores a command's events. Returns them as they are folded: new ones in the envelope that they get here. */
function storeEvents<State, Command, Event extends { readonly type: string }>(
  { stream: kind, destinationOf = toStream }: CommandHandlerOptions<State, Command, Event>,
  transaction: Transaction,
  { id, events, cause, version: before }: DecidedCommand<Command, Event> & { readonly id: string },
): AcceptedEvents<Event> {
  const stream = `${kind}-${id}`;
  const folded: Event[] = [];
  const stored: Event[] = [];
  for (const event of events) {
    const destination = destinationOf(event);
    const expectedVersion = before + stored.length;
    if (destination === "append") {
      const appended = transaction.append({
        stream,
        expectedVersion,
        events: [event as unknown as DomainEvent],
        cause,
      });
      folded.push(...(appended as readonly unknown[] as readonly Event[]));
      stored.push(...(appended as readonly unknown[] as readonly Event[]));
      continue;
    }
    folded.push(event);
    if (destination === "fold") continue;
    transaction.keep(stream, expectedVersion, [event as unknown as DomainEnvelope]);
    stored.push(event);
  }
  return { folded, stored, version: before + stored.length };
}

async function project<State, Command, Event extends { readonly type: string }>(
  { states, outcomes }: CommandHandlerOptions<State, Command, Event>,
  transaction: Transaction,
  steps: readonly StreamStep<State, Command, Event>[],
): Promise<void> {
  const changes = steps.filter(hasMoved).map(({ id, base, after, version, decided }) => ({
    id,
    before: base.state,
    after,
    previousVersion: base.version,
    version,
    decided,
  }));
  await states.write(transaction, changes);
  if (outcomes?.write)
    await outcomes.write(
      transaction,
      steps.flatMap((step) => step.outcomes),
    );
}

/** Commands that append nothing state facts. They come first, so that the others are decided on the newest state. */
function factsFirst<State, Command, Event>(
  batch: readonly BatchItem<State, Command, Event>[],
  { mayAppend }: CommandHandlerOptions<State, Command, Event>,
): readonly BatchItem<State, Command, Event>[] {
  if (!mayAppend || batch.length === 1) return batch;
  const facts: BatchItem<State, Command, Event>[] = [];
  const decisions: BatchItem<State, Command, Event>[] = [];
  for (const item of batch) (hasAppends(item, mayAppend) ? decisions : facts).push(item);
  if (facts.length === 0 || decisions.length === 0) return batch;
  facts.push(...decisions);
  return facts;
}

/** True if one of the item's commands may append an event. */
export function hasAppends<Command>(
  { submissions }: { readonly submissions: readonly Submission<Command>[] },
  mayAppend: (command: Command) => boolean,
): boolean {
  for (const { command } of submissions) if (mayAppend(command)) return true;
  return false;
}

/** Rejects the items with a command that came too late; returns the others. */
function rejectLate<State, Command, Event>(
  batch: readonly BatchItem<State, Command, Event>[],
  now: number,
): readonly BatchItem<State, Command, Event>[] {
  const isLate = ({ submissions }: BatchItem<State, Command, Event>) =>
    submissions.some(({ ref }) => ref && now > ref.deadline);
  if (!batch.some(isLate)) return batch;
  return batch.filter((item) => {
    if (!isLate(item)) return true;
    item.reject(new CommandLate());
    return false;
  });
}

function earliestDeadline(
  batch: readonly { readonly submissions: readonly Submission<unknown>[] }[],
): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { submissions } of batch)
    for (const { ref } of submissions) if (ref && ref.deadline < earliest) earliest = ref.deadline;
  return earliest;
}

function isRelevant<Command>(
  { submissions }: { readonly submissions: readonly Submission<Command>[] },
  fence: CommandFence<Command>,
): boolean {
  return submissions.some(({ command }) => fence.isRelevant(command));
}

function hasMoved<State, Command, Event>({
  after,
  base,
  version,
}: StreamStep<State, Command, Event>): boolean {
  return after !== base.state || version !== base.version;
}

function hasChanged<State, Command, Event>(step: StreamStep<State, Command, Event>): boolean {
  return step.outcomes.length > 0 || hasMoved(step);
}

const toStream = () => "append" as const;
