let isUnread = false;
let react = (): void => {};

// Registered on import, so that a command also ends if its reader disappears while it starts.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (!isUnread) {
    isUnread = true;
    react();
  }
});

/** Calls back once standard output has been closed by its reader (`npm start | head`), or immediately if it already is. */
export function whenUnread(callback: () => void): void {
  react = callback;
  if (isUnread) callback();
}
