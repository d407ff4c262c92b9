import type { CommandHandlerOptions } from "./command-handler-options.ts";
import type { CommandOutcome } from "./command-outcomes.ts";
import type { BatchItem, Versioned } from "./decide-batch.ts";
import type { Transaction } from "./event-store.ts";

export const NO_OUTCOMES: ReadonlyMap<string, CommandOutcome> = new Map();

interface Lookup {
  readonly isFirst: boolean;
  readonly transaction: Transaction | null;
}

/** The remembered outcomes of repeated commands. First submissions are looked up only after a conflict. */
export async function findOutcomes<State, Command, Event extends { readonly type: string }>(
  { outcomes }: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  { isFirst, transaction }: Lookup,
): Promise<ReadonlyMap<string, CommandOutcome>> {
  if (!outcomes) return NO_OUTCOMES;
  const ids: string[] = [];
  for (const { submissions } of batch)
    for (const { ref, isFirst: isFirstSubmission } of submissions)
      if (ref && !(isFirst && isFirstSubmission)) ids.push(ref.id);
  return ids.length > 0 ? outcomes.find(ids, transaction) : NO_OUTCOMES;
}

/** From the cache or the store. A stream that should not exist yet is looked up only if it turned out to exist. */
export async function loadStates<State, Command, Event extends { readonly type: string }>(
  { states, cache }: CommandHandlerOptions<State, Command, Event>,
  batch: readonly BatchItem<State, Command, Event>[],
  { isFirst, outcomes, transaction }: Lookup & { readonly outcomes: ReadonlyMap<string, CommandOutcome> },
): Promise<ReadonlyMap<string, Versioned<State>>> {
  const loaded = new Map<string, Versioned<State>>();
  const absent = new Set<string>();
  const probablyNew = new Set<string>();
  const laterOfNew = new Set<string>();
  const commands: Command[] = [];
  for (const { submissions } of batch)
    for (const { id, command, ref, startsStream, isFirst: isFirstSubmission } of submissions) {
      if (ref && outcomes.has(ref.id)) continue;
      commands.push(command);
      const cached = cache?.get(id);
      if (cached) loaded.set(id, cached);
      else if (isFirst && startsStream) probablyNew.add(id);
      else if (isFirst && isFirstSubmission) laterOfNew.add(id);
      else absent.add(id);
    }
  for (const id of laterOfNew) if (!probablyNew.has(id)) absent.add(id);
  if (absent.size === 0) return loaded;
  for (const [id, state] of await states.load([...absent], { transaction, commands })) loaded.set(id, state);
  return loaded;
}
