/**
 * What a promise resolves to; once `limitMs` are over without that, rejects with what `late` makes. The promise itself
 * goes on, and nobody hears of it.
 */
export async function withTimeLimit<T>(promise: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise resolves to; `instead` once `limitMs` are over without that. */
export async function within<T>(promise: Promise<T>, limitMs: number, instead: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(instead), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
