/** The groups of routes that `APPS` selects from, under the names of the Python original. */
export const apps = [
  "auth_user",
  "auth_role",
  "auth_test",
  "scheduler_task",
  "scheduler_task_record",
  "system_record",
  "system_storage",
  "bilibili_hot_new",
] as const;
