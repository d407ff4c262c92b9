import { attemptsOf } from "./check-runs.ts";
import type { Told } from "./commands.ts";
import type { Stored } from "./stored.ts";
import type { TaskHistory } from "./task-history.ts";

/** What was answered with success happened, and what was asked once did not happen twice. */
export function checkCommands(
  told: readonly Told[],
  histories: readonly TaskHistory[],
  stored: Stored,
): string[] {
  const byId = new Map(histories.map((history) => [history.taskId, history]));
  const faults = told.flatMap((command) => checkDone(command, byId.get(command.taskId), stored));
  const creations = Map.groupBy(histories, ({ name }) => name);
  for (const [name, tasks] of creations)
    if (tasks.length > 1) faults.push(`${name} was created ${tasks.length} times`);
  for (const { taskId, ordered } of histories) {
    const asked = told.filter((command) => command.taskId === taskId && command.kind === "run");
    const most = asked.filter(({ outcome }) => outcome !== "refused").length;
    const manual = ordered.filter(({ isManual }) => isManual).length;
    if (manual > most) faults.push(`task ${taskId} ran ${manual} times by hand, asked for ${most} times`);
  }
  return faults;
}

function checkDone(command: Told, history: TaskHistory | undefined, stored: Stored): string[] {
  const { kind, taskId, outcome, answeredAt, sentAt, runId } = command;
  if (outcome !== "done") return [];
  const what = `${kind} of task ${taskId}, answered at ${new Date(answeredAt).toISOString()},`;
  if (!history) return [`${what} left no trace`];
  const stands = history.changes.filter(({ at }) => at <= answeredAt).at(-1);
  if (kind === "run" && !history.ordered.some((order) => order.runId === runId))
    return [`${what} ordered no run`];
  if (kind === "remove" && !history.isDeleted) return [`${what} did not delete it`];
  if (
    (kind === "change" || kind === "create") &&
    !history.changes.some(({ at }) => isWithin(at, sentAt, answeredAt))
  )
    return [`${what} changed nothing`];
  if (kind !== "stop") return [];
  if (stands?.isActive) return [`${what} left it active`];
  return history.ordered
    .filter(({ plannedAt, revokedAt }) => revokedAt !== null && plannedAt > sentAt && revokedAt <= answeredAt)
    .flatMap((order) =>
      attemptsOf(stored.streams.get(`run-${order.runId}`) ?? [])
        .filter(({ startedAt }) => startedAt > answeredAt)
        .map(() => `${what} did not keep run ${order.runId} from beginning later`),
    );
}

const isWithin = (at: number, from: number, to: number): boolean => at >= from && at <= to;
