import type { OrmUsers } from "./orm-users.ts";

const DAY_MS = 86_400_000;

/** The number of new users of each of the last days (UTC), in order; today is the last one. */
export async function newUsersByDay(
  users: Pick<OrmUsers, "createdByDay">,
  days: number,
  now: number,
): Promise<Readonly<Record<string, number>>> {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const first = today - (days - 1) * DAY_MS;
  const found = await users.createdByDay(new Date(first));
  const dates = Array.from({ length: days }, (_, day) =>
    new Date(first + day * DAY_MS).toISOString().slice(0, 10),
  );
  return Object.fromEntries(dates.map((date) => [date, found.get(date) ?? 0]));
}
