import { dispositionOf } from "./command-failure.ts";
import type { CommandHandlerOptions } from "./command-handler-options.ts";
import { commitBatch, hasAppends } from "./commit-batch.ts";
import type { BatchItem, Decision, Submission } from "./decide-batch.ts";
import { createGroupCommit } from "./group-commit.ts";

/**
 * The one way to change a stream and the state that follows from it: load, decide, append and project in one
 * transaction. Commands that arrive while a transaction is under way are committed by the next one together. Commands
 * with the same id are decided in the order of their arrival. A command that breaks a rule is refused alone.
 */
export interface CommandHandler<State, Command, Event> {
  /**
   * Resolves when the command's events and state are stored durably.
   *
   * @throws the decider's errors, for this command alone; `COMMAND_LATE`, `STREAM_CONFLICT`, `STORE_UNAVAILABLE`,
   * `OUTBOX_FULL`, and the errors of the fence
   */
  handle(submission: Submission<Command>): Promise<Decision<State, Event>>;
  /** Handles several commands in one transaction. Rejects with the first refusal; the other commands take effect. */
  handleAll(submissions: readonly Submission<Command>[]): Promise<readonly Decision<State, Event>[]>;
  /** Resolves when no command waits and no transaction is under way. */
  idle(): Promise<void>;
}

/** While one transaction waits for the store, the next one is prepared. */
const CONCURRENT_TRANSACTIONS = 2;

export function createCommandHandler<State, Command, Event extends { readonly type: string }>(
  options: CommandHandlerOptions<State, Command, Event>,
): CommandHandler<State, Command, Event> {
  const group = createGroupCommit<BatchItem<State, Command, Event>>({
    concurrency: CONCURRENT_TRANSACTIONS,
    maxKeys: options.maxBatch,
    commit: (batch) => handleBatch(options, batch, { isFirst: true }),
  });
  const handleAll = (submissions: readonly Submission<Command>[]) =>
    new Promise<readonly Decision<State, Event>[]>((resolve, reject) => {
      group.add({ keys: idsOf(submissions), submissions, resolve, reject });
    });
  return {
    handle: async (submission) => {
      const [decision] = await handleAll([submission]);
      return decision as Decision<State, Event>;
    },
    handleAll,
    idle: group.idle,
  };
}

/** Commits a batch, or rejects its items. Never rejects itself. */
async function handleBatch<State, Command, Event extends { readonly type: string }>(
  options: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  { isFirst }: { readonly isFirst: boolean },
): Promise<void> {
  const { fence, cache, mayAppend = () => true, onRejected } = options;
  const again = (items: typeof batch) => handleBatch(options, items, { isFirst: false });
  for (let tries = 1; ; tries++) {
    let epoch: number | null = null;
    try {
      epoch = fence?.epoch() ?? null;
      return await commitBatch(options, batch, { isFirst: isFirst && tries === 1, epoch });
    } catch (error) {
      if (cache) for (const { keys } of batch) for (const id of keys) cache.delete(id);
      const disposition = dispositionOf(error, { tries, items: batch.length });
      if (disposition === "retry") continue;
      if (disposition === "split") {
        for (const item of batch) await again([item]);
      } else if (disposition === "drop-appends") {
        const appends = (item: (typeof batch)[number]) => hasAppends(item, mayAppend);
        for (const item of batch) if (appends(item)) item.reject(error);
        const others = batch.filter((item) => !appends(item));
        if (others.length > 0) await again(others);
      } else {
        for (const { reject } of batch) reject(error);
        await onRejected?.({ error, ids: [...new Set(batch.flatMap(({ keys }) => keys))], epoch });
      }
      return;
    }
  }
}

function idsOf(submissions: readonly Submission<unknown>[]): readonly string[] {
  const [first] = submissions;
  return submissions.length === 1 && first ? [first.id] : [...new Set(submissions.map(({ id }) => id))];
}
