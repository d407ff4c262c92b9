/** With them a task could change logins, revoke other runs or read the state of the nodes. */
const INTERNAL = new Set(["$node", "auth", "executor", "gateway"]);
/** The platform's other services, which `*` does not include. */
const OWN = new Set(["crawler", "records", "scheduler"]);

/**
 * Whether a list of `MOLECULER_CALL_ALLOW` includes an action. `*` stands for the services that are not the platform's;
 * internal ones are never included.
 */
export function isAllowed(action: string, allow: readonly string[]): boolean {
  const [service = ""] = action.split(".", 1);
  if (INTERNAL.has(service)) return false;
  return allow.some((item) => {
    if (item === "*") return !OWN.has(service);
    return item.endsWith(".*") ? action.startsWith(item.slice(0, -1)) : action === item;
  });
}
