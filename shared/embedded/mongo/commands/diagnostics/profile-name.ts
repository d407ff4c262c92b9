/** The collection in which the profiler records the operations of a database. */
export const PROFILE = "system.profile";
