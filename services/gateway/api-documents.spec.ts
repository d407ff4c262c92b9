import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { PERMISSIONS } from "../../shared/contracts/permissions.ts";
import { testKey } from "./access/access.fixture.ts";
import { authService } from "./auth-service.fixture.ts";
import { backendServices } from "./backend-services.fixture.ts";
import { type ExampleRequest, exampleRequests } from "./document-requests.fixture.ts";
import { openApiDocument } from "./documents/openapi.ts";
import { pageRoutes } from "./endpoints/page-routes.ts";
import { routes } from "./endpoints/routes.ts";
import { type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly unknown[];
  readonly responses: Readonly<
    Record<string, { readonly content: { "application/json": { schema: object; examples?: object } } }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
  readonly info: { readonly title: string; readonly description: string };
}

const backend = backendServices();
let gateway: RunningGateway;
const get = (path: string, language = "zh") =>
  send(gateway, `GET ${path}`, { headers: { "accept-language": language } });
const openApi = async (language?: string): Promise<Document> =>
  JSON.parse((await get("/openapi.json", language)).text);

describe("the documents of the API", () => {
  let secured: RunningGateway;
  let token: string;
  before(async () => {
    const key = await testKey();
    const services = [...backend.schemas, await authService(key)];
    gateway = await runGateway({ services });
    secured = await runGateway({ services, config: { authEnable: true } });
    token = await key.token({ permissions: PERMISSIONS });
  });
  after(() => Promise.all([gateway.stop(), secured.stop()]));

  for (const language of ["zh", "en"]) {
    it(`are valid OpenAPI 3.1 (${language})`, async () => {
      const { valid, errors } = await new Validator().validate((await openApi(language)) as never);
      assert.ok(valid, JSON.stringify(errors));
    });
  }

  it("have every path of every route, each with an id of its own", async () => {
    const { paths } = await openApi();
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routed = routes.flatMap((route) => Object.values(route.paths));
    assert.deepEqual(documented.sort(), [...new Set(routed)].sort());
    const ids = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.includes("stop_task_update_scheduler_task_stop_task_update_put"));
  });

  it("are in the language of the client", async () => {
    const [zh, en] = [await openApi(), await openApi("en")];
    assert.equal(zh.info.title, "KINIT FAST TASK");
    assert.equal(zh.paths["/scheduler/task/create"]?.post?.summary, "创建任务，添加任务");
    assert.equal(en.paths["/scheduler/task/create"]?.post?.summary, "Create a task");
    assert.deepEqual(en.paths["/scheduler/task/create"]?.post?.tags, ["Tasks"]);
    assert.doesNotMatch(en.info.description, /\p{Script=Han}/u);
  });

  it("demand a token for the routes that do", () => {
    const { paths } = openApiDocument(routes, { language: "en", isSecured: true }) as unknown as Document;
    for (const route of routes) {
      for (const alias of Object.values(route.paths)) {
        const [method = "", path = ""] = alias.split(" ");
        const { security, responses } = paths[path]?.[method.toLowerCase()] as Operation;
        assert.equal(security.length, route.access === "public" ? 0 : 1, path);
        assert.equal("401" in responses, route.access !== "public", path);
      }
    }
  });

  for (const route of routes) {
    for (const [index, documented] of [...new Set(Object.values(route.paths))].entries()) {
      it(`describe the response and the examples of ${documented}`, async () => {
        const { alias, path, method, init } = exampleRequests(route)[index] as ExampleRequest;
        const { paths, components } = await openApi();
        const { schema, examples = {} } = paths[path]?.[method.toLowerCase()]?.responses["200"]?.content[
          "application/json"
        ] as { schema: object; examples?: object };
        const accepts = new Ajv2020({ strict: false }).compile({ ...schema, components });
        const { text, status } = await send(secured, alias, {
          ...init,
          headers: { ...init.headers, authorization: `Bearer ${token}` },
        });
        const body: Readonly<Record<string, unknown>> = JSON.parse(text);
        assert.equal(status, 200, text);
        assert.equal(body.code, 200, text);
        assert.ok(accepts(body), `${text}: ${JSON.stringify(accepts.errors)}`);
        for (const [name, { value }] of Object.entries(examples)) {
          assert.ok(accepts(value), `${name}: ${JSON.stringify(accepts.errors)}`);
        }
        assert.ok(!accepts({ ...body, data: 1.5 }), "the schema accepts any data");
      });
    }
  }
});

describe("the pages of the documents", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());

  const files = pageRoutes.flatMap(({ paths }) => paths.own?.split(" ")[1] ?? []);

  it("load only files that the gateway serves, under a policy that allows nothing else", async () => {
    for (const path of files.filter((file) => !file.endsWith(".json"))) {
      const { status, headers, text } = await get(path);
      assert.equal(status, 200, path);
      assert.ok(text.length > 0, path);
      const policy = headers.get("content-security-policy") ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'self';/);
      assert.doesNotMatch(policy, /https?:|unsafe-eval|\*/);
      if (!headers.get("content-type")?.startsWith("text/html")) continue;
      assert.doesNotMatch(text, /<script>|onload=/, `${path} has inline code, which the policy blocks`);
      const loaded = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file = ""]) => file);
      assert.ok(loaded.length > 0, path);
      for (const file of loaded) assert.equal((await get(file)).status, 200, `${path} loads ${file}`);
    }
  });

  it("are absent with API_DOCS_ENABLE=false, while the documents stay", async () => {
    const quiet = await runGateway({ services: backend.schemas, config: { apiDocsEnable: false } });
    try {
      for (const path of files) {
        const { status } = await send(quiet, `GET ${path}`);
        assert.equal(status, path.endsWith(".json") ? 200 : 404, path);
      }
    } finally {
      await quiet.stop();
    }
  });
});
