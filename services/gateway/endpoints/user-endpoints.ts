import { ruleSchema } from "../../../shared/contracts/json-schema.ts";
import { rowExamples } from "../texts/row-examples.ts";
import { nothing, type Output } from "../wire/output.ts";
import { data } from "../wire/response.ts";
import {
  demonstrationUser,
  showUser,
  toUser,
  userBody,
  userShape,
  userSortFields,
} from "../wire/user-wire.ts";
import { endpoint, noInput } from "./endpoint.ts";
import { rowEndpoints } from "./row-endpoints.ts";

export const userEndpoints = rowEndpoints({
  path: "/auth/user",
  body: userBody,
  example: rowExamples.user,
  shape: userShape,
  show: showUser,
  sortFields: userSortFields,
  create: (call, body) => call("auth.createUser", toUser(body)),
  change: (call, id, body) => call("auth.changeUser", { id, ...toUser(body) }),
  remove: (call, ids) => call("auth.deleteUsers", { ids }),
  get: (call, id) => call("auth.getUser", { id }),
  list: (call, query) => call("auth.listUsers", query),
  rows: (call, ids) => call("auth.userRows", { ids }),
});

/** A month, with today. */
const DAYS = 31;

const usersByDay: Output<Readonly<Record<string, number>>> = {
  envelope: "data",
  schema: ruleSchema({ type: "record" }),
  examples: [{ value: { "2026-01-04": 0, "2026-01-05": 2 } }],
};

export const newUsersByDay = endpoint(noInput, usersByDay, async (_, { call }) =>
  data(await call("auth.newUsersByDay", { days: DAYS })),
);

/** The original's demonstrations of its ORM: one creates a user, one reads users, one reads them with their roles. */
export const createDemonstrationUser = endpoint(noInput, nothing, async (_, { call }) => {
  await call("auth.createUser", demonstrationUser);
  return data(null);
});

export const readDemonstration = endpoint(noInput, nothing, async (_, { call }) => {
  await call("auth.listUsers", { page: 1, limit: 1 });
  return data(null);
});
