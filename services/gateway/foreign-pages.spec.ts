import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { backendServices, TASK, taskBody } from "./backend-services.fixture.ts";
import { type RunningGateway, runGateway, sendRaw } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const create = "POST /scheduler/task/create";
const stop = `POST /scheduler/task/stop/update?data_id=${TASK}`;
const body = JSON.stringify(taskBody);
const json = { "content-type": "application/json" };

/** Headers as this page's browser would send them; `own` is the gateway's address. */
type Headers = (own: string) => Record<string, string>;

describe("a gateway that a web page reaches", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
  });

  const send = (alias: string, headers: Headers) => {
    const own = gateway.origin.slice("http://".length);
    return sendRaw(gateway, alias, { headers: headers(own), ...(alias === create ? { body } : {}) });
  };

  const rejected: readonly [what: string, alias: string, status: number, names: RegExp, headers: Headers][] =
    [
      [
        "a page of another site, without content type",
        create,
        403,
        /ALLOWED_ORIGINS/,
        () => ({ origin: "http://evil.example", "sec-fetch-site": "cross-site" }),
      ],
      [
        "a page of another site that names JSON",
        create,
        403,
        /ALLOWED_ORIGINS/,
        () => ({ origin: "http://evil.example", ...json }),
      ],
      ["a foreign Host", create, 403, /SERVER_NAMES/, () => ({ host: "evil.example:9000", ...json })],
      [
        "a rebound name that reads",
        "GET /scheduler/task/list/query",
        403,
        /SERVER_NAMES/,
        () => ({ host: "evil.example:9000" }),
      ],
      [
        "a rebound name that is its own origin",
        create,
        403,
        /SERVER_NAMES/,
        () => ({ host: "evil.example", origin: "http://evil.example", ...json }),
      ],
      [
        "a page of another site that stops a task",
        stop,
        403,
        /ALLOWED_ORIGINS/,
        () => ({ "sec-fetch-site": "cross-site" }),
      ],
      [
        "a page of its own without content type",
        create,
        415,
        /application\/json/,
        (own) => ({ origin: `http://${own}` }),
      ],
      [
        "a browser that sends no origin, without content type",
        create,
        415,
        /application\/json/,
        () => ({ "sec-fetch-site": "same-origin" }),
      ],
      [
        "a page of its own with a form's content type",
        create,
        415,
        /application\/json/,
        (own) => ({ origin: `http://${own}`, "content-type": "text/plain" }),
      ],
    ];
  for (const [what, alias, status, names, headers] of rejected) {
    it(`rejects ${what} without a call`, async () => {
      const response = await send(alias, headers);
      assert.equal(response.status, status);
      assert.deepEqual(Object.keys(JSON.parse(response.text)), ["code", "message"]);
      assert.match(JSON.parse(response.text).message, names);
      assert.deepEqual(backend.calls, []);
    });
  }

  const taken: readonly [what: string, alias: string, headers: Headers][] = [
    ["a client of the original: no content type, no origin", create, () => ({})],
    [
      "a page of its own that names JSON",
      create,
      (own) => ({ origin: `http://${own}`, "sec-fetch-site": "same-origin", ...json }),
    ],
    [
      "a page of its own that stops a task",
      stop,
      (own) => ({ origin: `http://${own}`, "sec-fetch-site": "same-origin" }),
    ],
    [
      "an address typed into a browser",
      "GET /scheduler/task/list/query",
      () => ({ "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }),
    ],
  ];
  for (const [what, alias, headers] of taken) {
    it(`serves ${what}`, async () => {
      const response = await send(alias, headers);
      assert.equal(JSON.parse(response.text).code, 200);
      assert.equal(backend.calls.length, 1);
    });
  }

  for (const path of ["/health", "/ready"]) {
    it(`serves ${path} under any name, for probes`, async () => {
      assert.equal((await send(`GET ${path}`, () => ({ host: "pod-7.cluster.local" }))).status, 200);
    });
  }
});

describe("a page of a configured origin", () => {
  const origin = "https://console.example.org";
  before(async () => {
    gateway = await runGateway({ services: backend.schemas, config: { allowedOrigins: [origin] } });
  });
  after(() => gateway.stop());

  const allowedOrigin = "access-control-allow-origin";

  it("may send a preflight", async () => {
    const headers = { origin, "access-control-request-method": "POST", "sec-fetch-site": "cross-site" };
    const response = await sendRaw(gateway, "OPTIONS /scheduler/task/create", { headers });
    assert.deepEqual([response.status, response.text], [204, ""]);
    assert.equal(response.headers[allowedOrigin], origin);
    assert.match(String(response.headers["access-control-allow-methods"]), /POST/);
    assert.match(String(response.headers["access-control-allow-headers"]), /Content-Type/);
  });

  it("may send it and read the response", async () => {
    const headers = { origin, "sec-fetch-site": "cross-site", ...json };
    const response = await sendRaw(gateway, create, { headers, body });
    assert.match(response.text, /任务添加成功/);
    assert.equal(response.headers[allowedOrigin], origin);
    assert.equal(response.headers.vary, "Origin");
  });

  it("shares this with no other page", async () => {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    for (const alias of ["OPTIONS /scheduler/task/create", "GET /health"]) {
      const response = await sendRaw(gateway, alias, { headers });
      assert.equal(response.headers[allowedOrigin], undefined);
    }
  });
});

describe("a client that expects 100 Continue before it sends its body", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());

  const expectContinue = (alias: string, headers: Record<string, string | number>) =>
    sendRaw(gateway, alias, { headers: { expect: "100-continue", ...json, ...headers }, body });

  it("receives 100 Continue", async () => {
    const response = await expectContinue(create, { "content-length": Buffer.byteLength(body) });
    assert.equal(response.wasContinued, true);
    assert.match(response.text, /任务添加成功/);
  });

  const rejected: readonly [
    what: string,
    alias: string,
    status: number,
    headers: Record<string, string | number>,
  ][] = [
    ["a body that is too large", create, 413, { "content-length": 10_000_000 }],
    ["a foreign Host", create, 403, { host: "evil.example", "content-length": 10 }],
    ["an unknown path", "POST /nowhere", 404, { "content-length": 10 }],
  ];
  for (const [what, alias, status, headers] of rejected) {
    it(`is rejected at once for ${what}, and the connection ends`, async () => {
      const response = await expectContinue(alias, headers);
      assert.deepEqual([response.status, response.wasContinued], [status, false]);
      assert.equal(response.headers.connection, "close");
    });
  }
});
