import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";

/** A task whose next occurrence is near. `at` is when it has to be dispatched (ms). */
export interface PlannedTask extends HeapEntry {
  readonly taskId: string;
  /** Planned time of the next occurrence (ms). */
  nextRunAt: number;
}

/** The tasks of the near future, sorted by when they have to be dispatched. */
export class PlannedTasks {
  private readonly queue = new MinHeap<PlannedTask>();
  private readonly tasks = new Map<string, PlannedTask>();

  /** Number of tasks, including those that were taken. */
  get size(): number {
    return this.tasks.size;
  }

  ids(): Iterable<string> {
    return this.tasks.keys();
  }

  get(taskId: string): PlannedTask | undefined {
    return this.tasks.get(taskId);
  }

  /** When the first task has to be dispatched; undefined if none waits. */
  firstAt(): number | undefined {
    return this.queue.peek()?.at;
  }

  /** Plans a task, or moves it. Returns true if it is now the first one. */
  plan(taskId: string, { nextRunAt, at }: { readonly nextRunAt: number; readonly at: number }): boolean {
    const task = this.tasks.get(taskId) ?? { taskId, nextRunAt, at, sequence: 0, position: -1 };
    task.nextRunAt = nextRunAt;
    this.tasks.set(taskId, task);
    return this.enqueue(task, at);
  }

  /** Puts a task that was taken back, unless it was removed meanwhile. Returns true if it is the first one. */
  planAgain(task: PlannedTask, at: number): boolean {
    return this.tasks.get(task.taskId) === task && this.enqueue(task, at);
  }

  /** Takes the first task if it has to be dispatched by now. It stays planned until it is planned again or removed. */
  takeDue(now: number): PlannedTask | undefined {
    const first = this.queue.peek();
    return first && first.at <= now ? this.queue.take() : undefined;
  }

  /** Takes a task out of the queue before its turn. */
  take(task: PlannedTask): void {
    this.queue.remove(task);
  }

  remove(taskId: string): void {
    const task = this.tasks.get(taskId);
    if (task) this.queue.remove(task);
    this.tasks.delete(taskId);
  }

  private enqueue(task: PlannedTask, at: number): boolean {
    this.queue.remove(task);
    task.at = at;
    this.queue.add(task);
    return this.queue.peek() === task;
  }
}
