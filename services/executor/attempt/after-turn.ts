/** Work that can wait until the event loop has no handler left to start in this turn. */
export interface AfterTurn {
  add(work: () => void): void;
}

/**
 * When a thousand runs share an instant, each outcome that is sent between two starts delays all starts behind it;
 * sent together after them, they delay none.
 */
export function afterTurn(): AfterTurn {
  let waiting: (() => void)[] = [];
  const flush = (): void => {
    const works = waiting;
    waiting = [];
    for (const work of works) work();
  };
  return {
    add(work) {
      if (waiting.push(work) === 1) setImmediate(flush);
    },
  };
}
