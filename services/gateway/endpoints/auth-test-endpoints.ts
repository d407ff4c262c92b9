import { rowExamples } from "../texts/row-examples.ts";
import {
  authTestBody,
  authTestShape,
  authTestSortFields,
  showAuthTest,
  toAuthTest,
} from "../wire/auth-test-wire.ts";
import { rowEndpoints } from "./row-endpoints.ts";

export const authTestEndpoints = rowEndpoints({
  path: "/auth/test",
  body: authTestBody,
  example: rowExamples.authTest,
  shape: authTestShape,
  show: showAuthTest,
  sortFields: authTestSortFields,
  create: (call, body) => call("auth.createAuthTest", toAuthTest(body)),
  change: (call, id, body) => call("auth.changeAuthTest", { id, ...toAuthTest(body) }),
  remove: (call, ids) => call("auth.deleteAuthTests", { ids }),
  get: (call, id) => call("auth.getAuthTest", { id }),
  list: (call, query) => call("auth.listAuthTests", query),
  rows: (call, ids) => call("auth.authTestRows", { ids }),
});
