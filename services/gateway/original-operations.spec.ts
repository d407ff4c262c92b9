import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { authService } from "./auth-service.fixture.ts";
import { backendServices } from "./backend-services.fixture.ts";
import { exampleRequests } from "./document-requests.fixture.ts";
import { openApiDocument } from "./documents/openapi.ts";
import type { Route } from "./endpoints/route.ts";
import { routes } from "./endpoints/routes.ts";
import { json, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

/** An operation of the Python original, reduced from its OpenAPI files. */
interface OriginalOperation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly isRequired: boolean }[];
  readonly body?: {
    readonly contentType: string;
    readonly type: string;
    readonly required: readonly string[];
  };
  /** Absent where the original documents none. */
  readonly response?: { readonly isPage: boolean; readonly fields: readonly string[] };
}
interface DocumentedOperation extends Pick<OriginalOperation, "tags" | "summary" | "operationId"> {
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly schema: { readonly type: string; readonly required?: readonly string[] } }>
    >;
  };
}

/** Groups of operations of the original that have no route yet. A group that has one fails: remove it here. */
const PENDING: readonly string[] = [
  "/bilibili/hot/new/mongo/",
  "/bilibili/hot/new/apscheduler/",
  "/system/storage/oss/image/create",
];

/** The original documents these as pages and does not enforce it: its responses have one item, and no paging. */
const ONE_ITEM = /^\/auth\/user\/(one|recent\/month\/user)\/query$/;

const original: Readonly<Record<"R1" | "R2", Readonly<Record<string, OriginalOperation>>>> = JSON.parse(
  readFileSync("test/fixtures/original-api/operations.json", "utf8"),
);
const isPending = (alias: string) => PENDING.some((prefix) => alias.includes(` ${prefix}`));
const routeOf = (alias: string, revision: "R1" | "R2"): Route | undefined =>
  routes.find(({ paths }) => paths[revision] === alias);

const backend = backendServices();
let gateway: RunningGateway;

describe("the operations of the Python original", () => {
  before(async () => {
    gateway = await runGateway({ services: [...backend.schemas, await authService()] });
  });
  after(() => gateway.stop());
  const { paths } = openApiDocument(routes, { language: "zh", isSecured: false }) as {
    paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  };

  it("are the 28 of the first and the 40 of the second revision", () => {
    assert.deepEqual([Object.keys(original.R1).length, Object.keys(original.R2).length], [28, 40]);
  });

  it("are served or listed as pending, and never both", () => {
    const all = Object.entries(original).flatMap(([revision, operations]) =>
      Object.keys(operations).map((alias) => ({ alias, route: routeOf(alias, revision as "R1" | "R2") })),
    );
    const neither = all.filter(({ alias, route }) => !route && !isPending(alias));
    const twice = all.filter(({ alias, route }) => route && isPending(alias));
    assert.deepEqual(neither, []);
    assert.deepEqual(
      twice.map(({ alias }) => alias),
      [],
      "these have a route: remove their group from PENDING",
    );
    for (const prefix of PENDING)
      assert.ok(
        all.some(({ alias }) => alias.includes(` ${prefix}`)),
        prefix,
      );
  });

  for (const revision of ["R1", "R2"] as const) {
    for (const [alias, expected] of Object.entries(original[revision])) {
      const route = routeOf(alias, revision);
      if (!route) continue;
      const [method = "", path = ""] = alias.split(" ");

      it(`${revision} ${alias}: the document agrees`, () => {
        const {
          tags,
          summary,
          operationId,
          parameters = [],
          requestBody,
        } = paths[path]?.[method.toLowerCase()] ?? ({} as DocumentedOperation);
        assert.deepEqual({ tags, summary }, { tags: expected.tags, summary: expected.summary });
        assert.equal(operationId, expected.operationId);
        const first = parameters.slice(0, expected.parameters.length);
        assert.deepEqual(
          first.map(({ name, required }) => ({ name, isRequired: required })),
          expected.parameters,
        );
        for (const { name, required } of parameters.slice(first.length)) assert.ok(!required, name);
        assert.equal(requestBody === undefined, expected.body === undefined);
        const content = requestBody?.content[expected.body?.contentType ?? ""];
        assert.equal(content?.schema.type, expected.body?.type);
        assert.deepEqual(content?.schema.required ?? [], expected.body?.required ?? []);
      });

      it(`${revision} ${alias}: success has the envelope, its keys and fields in order`, async () => {
        const request = exampleRequests(route).find((one) => one.alias.split("?")[0] === alias);
        const { status, text } = await send(gateway, request?.alias ?? "", request?.init);
        assert.equal(status, 200);
        const body = JSON.parse(text);
        const { isPage = false, fields = [] } = expected.response ?? {};
        const page = isPage && !ONE_ITEM.test(path) ? ["total", "page", "limit"] : [];
        assert.deepEqual(Object.keys(body), ["code", "message", "data", ...page]);
        assert.equal(body.code, 200);
        const row = Array.isArray(body.data) ? body.data[0] : body.data;
        assert.deepEqual(fields.length > 0 ? Object.keys(row).slice(0, fields.length) : [], fields);
      });

      const isArray = expected.body?.type === "array";
      if (
        isArray ||
        expected.body?.required.length ||
        expected.parameters.some(({ isRequired }) => isRequired)
      ) {
        it(`${revision} ${alias}: missing input is status 200, code 400, message before body and code`, async () => {
          const init = expected.body ? json({}) : {};
          const { status, text } = await send(gateway, alias, init);
          const message = isArray ? "类型错误，输入应该是一个有效的列表！" : "Field required";
          const { errors, ...body } = JSON.parse(text);
          const echo = expected.body ? {} : null;
          assert.equal(status, 200);
          assert.equal(JSON.stringify(body), JSON.stringify({ message, body: echo, code: 400 }));
          assert.ok(errors.length > 0);
        });
      }

      if (expected.body?.contentType === "application/json") {
        it(`${revision} ${alias}: text that is no JSON is repeated`, async () => {
          const { status, text } = await send(gateway, alias, json("{"));
          const { message, body, code } = JSON.parse(text);
          assert.deepEqual(
            { status, message, body, code },
            { status: 200, message: "JSON decode error", body: "{", code: 400 },
          );
        });
      }

      if (expected.parameters.some(({ name }) => name === "page")) {
        it(`${revision} ${alias}: a page that is no number is named in pydantic's words`, async () => {
          const { text } = await send(gateway, `${alias}?page=x`);
          const { message, body, code } = JSON.parse(text);
          assert.deepEqual(
            { message, body, code },
            {
              message: "Input should be a valid integer, unable to parse string as an integer",
              body: null,
              code: 400,
            },
          );
        });
      }

      it(`${revision} ${alias}: another method is 405`, async () => {
        const { status, text } = await send(gateway, `PATCH ${path}`);
        assert.equal(status, 405);
        assert.equal(text, '{"code":405,"message":"Method Not Allowed"}');
      });
    }
  }
});
