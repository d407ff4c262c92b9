let isUnread = false;
let react = (): void => {};

// From the first import on, so that a command whose reader has gone while it started ends as well.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (!isUnread) {
    isUnread = true;
    react();
  }
});

/** Calls back once nobody reads the standard output any more (`npm start | head`); at once where that is so already. */
export function whenUnread(callback: () => void): void {
  react = callback;
  if (isUnread) callback();
}
