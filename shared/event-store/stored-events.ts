import type { CommandOutcome, CommandOutcomes } from "./command-outcomes.ts";

/** A delivered event that is stored has been recorded: commands to record an event are known by its id. */
export const storedEvents: CommandOutcomes = {
  async find(ids, transaction) {
    const stored = (await transaction?.stored(ids)) ?? new Set();
    return new Map([...stored].map((id) => [id, recorded(id)]));
  },
};

const recorded = (commandId: string): CommandOutcome => ({
  commandId,
  subjectId: commandId,
  changed: true,
  refusal: null,
  deadline: Number.POSITIVE_INFINITY,
});
