/** Whether the platform runs in one process, or as a process per service over NATS. */
export type Mode = "one-process" | "nats";
