import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type RunningGateway, runGateway, sendRaw } from "./gateway.fixture.ts";
import { servicesBehindGateway, TASK, taskBody } from "./services-behind.fixture.ts";

const behind = servicesBehindGateway();
let gateway: RunningGateway;
const create = "POST /scheduler/task/create";
const stop = `POST /scheduler/task/stop/update?data_id=${TASK}`;
const body = JSON.stringify(taskBody);
const json = { "content-type": "application/json" };

/** Headers as this page's browser would send them; `own` is the gateway's address. */
type Headers = (own: string) => Record<string, string>;

describe("a gateway that a web page reaches", () => {
  before(async () => {
    gateway = await runGateway({ services: behind.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    behind.calls = [];
  });

  const send = (alias: string, headers: Headers) => {
    const own = gateway.origin.slice("http://".length);
    return sendRaw(gateway, alias, { headers: headers(own), ...(alias === create ? { body } : {}) });
  };

  const refused: readonly [what: string, alias: string, status: number, names: RegExp, headers: Headers][] = [
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
      "a browser that tells no origin, without content type",
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
  for (const [what, alias, status, names, headers] of refused) {
    it(`refuses ${what}, and calls nobody`, async () => {
      const answer = await send(alias, headers);
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(JSON.parse(answer.text)), ["code", "message"]);
      assert.match(JSON.parse(answer.text).message, names);
      assert.deepEqual(behind.calls, []);
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
      const answer = await send(alias, headers);
      assert.equal(JSON.parse(answer.text).code, 200);
      assert.equal(behind.calls.length, 1);
    });
  }

  for (const path of ["/health", "/ready"]) {
    it(`answers ${path} under any name, for probes`, async () => {
      assert.equal((await send(`GET ${path}`, () => ({ host: "pod-7.cluster.local" }))).status, 200);
    });
  }
});

describe("a page of a configured origin", () => {
  const origin = "https://console.example.org";
  before(async () => {
    gateway = await runGateway({ services: behind.schemas, config: { allowedOrigins: [origin] } });
  });
  after(() => gateway.stop());

  const allowedOrigin = "access-control-allow-origin";

  it("may ask what it may send", async () => {
    const headers = { origin, "access-control-request-method": "POST", "sec-fetch-site": "cross-site" };
    const answer = await sendRaw(gateway, "OPTIONS /scheduler/task/create", { headers });
    assert.deepEqual([answer.status, answer.text], [204, ""]);
    assert.equal(answer.headers[allowedOrigin], origin);
    assert.match(String(answer.headers["access-control-allow-methods"]), /POST/);
    assert.match(String(answer.headers["access-control-allow-headers"]), /Content-Type/);
  });

  it("may send it and read the answer", async () => {
    const headers = { origin, "sec-fetch-site": "cross-site", ...json };
    const answer = await sendRaw(gateway, create, { headers, body });
    assert.match(answer.text, /任务添加成功/);
    assert.equal(answer.headers[allowedOrigin], origin);
    assert.equal(answer.headers.vary, "Origin");
  });

  it("shares this with no other page", async () => {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    for (const alias of ["OPTIONS /scheduler/task/create", "GET /health"]) {
      const answer = await sendRaw(gateway, alias, { headers });
      assert.equal(answer.headers[allowedOrigin], undefined);
    }
  });
});

describe("a client that asks before it sends its body", () => {
  before(async () => {
    gateway = await runGateway({ services: behind.schemas });
  });
  after(() => gateway.stop());

  const ask = (alias: string, headers: Record<string, string | number>) =>
    sendRaw(gateway, alias, { headers: { expect: "100-continue", ...json, ...headers }, body });

  it("is told to go on", async () => {
    const answer = await ask(create, { "content-length": Buffer.byteLength(body) });
    assert.equal(answer.wasContinued, true);
    assert.match(answer.text, /任务添加成功/);
  });

  const refused: readonly [
    what: string,
    alias: string,
    status: number,
    headers: Record<string, string | number>,
  ][] = [
    ["a body that is too large", create, 413, { "content-length": 10_000_000 }],
    ["a foreign Host", create, 403, { host: "evil.example", "content-length": 10 }],
    ["an unknown path", "POST /nowhere", 404, { "content-length": 10 }],
  ];
  for (const [what, alias, status, headers] of refused) {
    it(`is refused at once for ${what}, and the connection ends`, async () => {
      const answer = await ask(alias, headers);
      assert.deepEqual([answer.status, answer.wasContinued], [status, false]);
      assert.equal(answer.headers.connection, "close");
    });
  }
});
