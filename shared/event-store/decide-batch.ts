import type { CommandRef } from "../contracts/command.ts";
import type { Causation } from "../contracts/event.ts";
import { AppError } from "../errors.ts";
import type { CommandOutcome } from "./command-outcomes.ts";
import type { Decider } from "./decider.ts";
import type { GroupItem } from "./group-commit.ts";

/** A state with the number of events on its stream. */
export interface Versioned<State> {
  readonly state: State;
  readonly version: number;
}

/** A command on its way to its stream. */
export interface Submission<Command> {
  /** What the command is about, e.g. the id of its task: the second part of the stream's name. */
  readonly id: string;
  readonly command: Command;
  readonly cause?: Causation | undefined;
  /** Under which the outcome is remembered; without it the command is decided each time. */
  readonly ref?: CommandRef | null | undefined;
  /** The stream must still have this version; otherwise the command changes nothing. */
  readonly expectedVersion?: number | undefined;
  /** The sender submits it for the first time: its outcome is looked up only after a conflict. */
  readonly isFirst?: boolean | undefined;
  /** The stream should not exist yet: its state is loaded only after a conflict. */
  readonly startsStream?: boolean | undefined;
}

/** What a command did. */
export interface Decision<State, Event> {
  readonly before: State;
  readonly after: State;
  /** Number of events on the stream after it. */
  readonly version: number;
  /** The events that it stored. */
  readonly events: readonly Event[];
  /** Whether the command stored events: now, or when it was first submitted. */
  readonly changed: boolean;
  /** Its transaction has changed the state, before or after this command: `after` may be outdated already. */
  readonly hasMoved: boolean;
}

/** Commands that succeed or fail together as far as their sender is concerned, in order. */
export interface BatchItem<State, Command, Event> extends GroupItem {
  readonly submissions: readonly Submission<Command>[];
  readonly resolve: (decisions: readonly Decision<State, Event>[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What one transaction does to one stream and its state. */
export interface StreamStep<State, Command, Event> {
  readonly id: string;
  readonly base: Versioned<State>;
  after: State;
  version: number;
  readonly decided: DecidedCommand<Command, Event>[];
  /** Outcomes to be stored. */
  readonly outcomes: CommandOutcome[];
  /** A command was repeated: its first outcome may not have been seen by this process. */
  hasRepeated: boolean;
  readonly decisions: MutableDecision<State, Event>[];
}

type MutableDecision<State, Event> = Omit<Decision<State, Event>, "hasMoved"> & { hasMoved: boolean };

/** A command with the events that it led to. */
export interface DecidedCommand<Command, Event> {
  readonly command: Command;
  readonly events: readonly Event[];
  readonly cause: Causation | undefined;
  /** Of the stream before the command. */
  readonly version: number;
}

/** Events as the state folds them, those of them that are on the stream, and the stream's version after them. */
export interface AcceptedEvents<Event> {
  readonly folded: readonly Event[];
  readonly stored: readonly Event[];
  readonly version: number;
}

export interface DecideOptions<State, Command, Event> {
  readonly decider: Decider<State, Command, Event>;
  readonly states: ReadonlyMap<string, Versioned<State>>;
  readonly outcomes: ReadonlyMap<string, CommandOutcome>;
  readonly accept: (id: string, decided: DecidedCommand<Command, Event>) => AcceptedEvents<Event>;
}

/** The result for one item: its decisions, or the first rule that one of its commands broke. */
export interface ItemResult<State, Command, Event> {
  readonly item: BatchItem<State, Command, Event>;
  readonly decisions: Decision<State, Event>[];
  refusal: { readonly error: unknown } | null;
}

export interface DecidedBatch<State, Command, Event> {
  readonly steps: readonly StreamStep<State, Command, Event>[];
  readonly results: readonly ItemResult<State, Command, Event>[];
}

/** Decides a batch in order. A command that breaks a rule is refused alone and leaves its state as it was. */
export function decideBatch<State, Command, Event>(
  batch: readonly BatchItem<State, Command, Event>[],
  options: DecideOptions<State, Command, Event>,
): DecidedBatch<State, Command, Event> {
  const steps = new Map<string, StreamStep<State, Command, Event>>();
  const results = batch.map((item) => {
    const result: ItemResult<State, Command, Event> = { item, decisions: [], refusal: null };
    for (const submission of item.submissions) {
      const { id } = submission;
      const step = steps.get(id) ?? stepFrom(id, options);
      if (step.decisions.length === 0) steps.set(id, step);
      const { decision, refusal } = decideOne(submission, step, options);
      if (refusal) result.refusal ??= { error: refusal.error };
      if (!decision) continue;
      step.decisions.push(decision);
      result.decisions.push(decision);
    }
    return result;
  });
  for (const { after, base, decisions } of steps.values())
    if (after !== base.state) for (const decision of decisions) decision.hasMoved = true;
  return { steps: [...steps.values()], results };
}

function stepFrom<State, Command, Event>(
  id: string,
  { states, decider }: DecideOptions<State, Command, Event>,
): StreamStep<State, Command, Event> {
  const base = states.get(id) ?? { state: decider.initialState, version: 0 };
  const { state: after, version } = base;
  return { id, base, after, version, decided: [], outcomes: [], hasRepeated: false, decisions: [] };
}

type Outcome<State, Event> =
  | { readonly decision: MutableDecision<State, Event>; readonly refusal?: undefined }
  | { readonly decision?: undefined; readonly refusal: { readonly error: unknown } };

/** Throws only what concerns the whole batch: an event that cannot be stored or folded. */
function decideOne<State, Command, Event>(
  submission: Submission<Command>,
  step: StreamStep<State, Command, Event>,
  options: DecideOptions<State, Command, Event>,
): Outcome<State, Event> {
  const { command, ref = null, expectedVersion } = submission;
  const known =
    ref && (options.outcomes.get(ref.id) ?? step.outcomes.find(({ commandId }) => commandId === ref.id));
  if (known) {
    step.hasRepeated = true;
    if (known.refusal) return { refusal: { error: known.refusal } };
    return { decision: unchanged(step, { changed: known.changed, hasMoved: true }) };
  }
  if (expectedVersion !== undefined && expectedVersion !== step.version)
    return { decision: unchanged(step, { changed: false, hasMoved: false }) };
  let events: readonly Event[];
  try {
    events = options.decider.decide(command, step.after);
  } catch (error) {
    // Only for a stream that exists: a caller can name any number of others.
    if (error instanceof AppError && step.version > 0) remember(submission, step, { refusal: error });
    return { refusal: { error } };
  }
  const decision = fold(submission, events, { step, options });
  remember(submission, step, { changed: decision.changed });
  return { decision };
}

interface Folding<State, Command, Event> {
  readonly step: StreamStep<State, Command, Event>;
  readonly options: DecideOptions<State, Command, Event>;
}

function fold<State, Command, Event>(
  { command, cause }: Submission<Command>,
  events: readonly Event[],
  { step, options }: Folding<State, Command, Event>,
): MutableDecision<State, Event> {
  if (events.length === 0) return unchanged(step, { changed: false, hasMoved: false });
  const before = step.after;
  const now = { command, events, cause, version: step.version };
  const { folded, stored, version } = options.accept(step.id, now);
  step.decided.push(now);
  step.version = version;
  step.after = folded.reduce(options.decider.evolve, before);
  return { before, after: step.after, version, events: stored, changed: stored.length > 0, hasMoved: false };
}

function unchanged<State, Command, Event>(
  { after, version }: StreamStep<State, Command, Event>,
  flags: { changed: boolean; hasMoved: boolean },
): MutableDecision<State, Event> {
  return { before: after, after, version, events: [], ...flags };
}

function remember<State, Command, Event>(
  { ref, id }: Submission<Command>,
  { outcomes }: StreamStep<State, Command, Event>,
  { changed = false, refusal = null }: { changed?: boolean; refusal?: AppError | null },
): void {
  if (ref) outcomes.push({ commandId: ref.id, subjectId: id, changed, refusal, deadline: ref.deadline });
}
