import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { objectId } from "../../../shared/ids.ts";
import type { HandlerContext } from "../handler/define-handler.ts";
import { httpRequest } from "./http-request.ts";

const open = httpRequest({ allowPrivate: true });
const guarded = httpRequest({ allowPrivate: false });
type Route = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const redirect = (status: number, location: string): Route => {
  return (_, response) => response.writeHead(status, { location }).end();
};
/** JSON that a store rejects, or would return as another value. */
const unstorable: Record<string, string> = {
  "/driver-type": '{"_bsontype":"ObjectId"}',
  "/nul-key": '{"rows":[{"a\\u0000b":1}]}',
  "/deep": `${"[".repeat(250)}${"]".repeat(250)}`,
};
const json = (text: string): Route => {
  return (_, response) => response.setHeader("content-type", "application/json").end(text);
};
const routes: Record<string, Route> = {
  ...Object.fromEntries(Object.entries(unstorable).map(([path, text]) => [path, json(text)])),
  "/echo": ({ method, headers }, response, body) => {
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.setHeader("set-cookie", "secret=1");
    response.end(JSON.stringify({ method, headers, body }));
  },
  "/text": (_, response) => response.end("héllo"),
  "/not-json": json("{"),
  "/large": (_, response) => response.end("x".repeat(200_000)),
  "/404": (_, response) => response.writeHead(404).end(),
  "/429": (_, response) => response.writeHead(429).end(),
  "/503": (_, response) => response.writeHead(503).end("busy"),
  "/silent": () => {},
  "/stalls": (_, response) => response.write("begun"),
  "/moved": redirect(302, "/echo"),
  "/kept": redirect(307, "/echo"),
  "/loop": redirect(302, "/loop"),
  "/to-file": redirect(302, "file:///etc/passwd"),
  "/hangs-up": ({ socket }) => socket.destroy(),
};

describe("http.request", () => {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    routes[(request.url as string).split("?")[0] as string]?.(request, response, body);
  });
  let base: string;
  let port: number;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, resolve));
    port = (server.address() as AddressInfo).port;
    base = `http://127.0.0.1:${port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const request = async (params: object, { handler = open, signal = new AbortController().signal } = {}) => {
    handler.checkParams(params);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const ids = { runId: objectId(), taskId: objectId(), attempt: 1, plannedAt: new Date().toISOString() };
    const context = { ...ids, log, signal, progress() {} } as unknown as HandlerContext;
    return (await handler.run(params, context)) as {
      status: number;
      headers: Record<string, string>;
      body: never;
      truncated?: boolean;
    };
  };
  const echoed = async (params: object) => {
    const { body } = await request(params);
    return body as { method: string; headers: Record<string, string>; body: string };
  };

  it("returns status, some headers and the body as JSON", async () => {
    const { status, headers, body } = await request({ url: `${base}/echo` });
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json; charset=utf-8");
    assert.equal("set-cookie" in headers, false);
    assert.equal((body as { method: string }).method, "GET");
  });

  it("sends method, headers and body", async () => {
    const echo = await echoed({
      url: `${base}/echo`,
      method: "PUT",
      headers: { "X-Trace": "7" },
      body: "plain",
    });
    assert.deepEqual([echo.method, echo.headers["x-trace"], echo.body], ["PUT", "7", "plain"]);
  });

  it("sends the length of a body for every method that may have one", async () => {
    for (const method of ["DELETE", "OPTIONS", "PATCH"]) {
      const echo = await echoed({ url: `${base}/echo`, method, body: "héllo" });
      assert.deepEqual([echo.body, echo.headers["content-length"]], ["héllo", "6"], method);
    }
  });

  it("sends JSON", async () => {
    const echo = await echoed({ url: `${base}/echo`, method: "POST", json: { a: [1] } });
    assert.deepEqual([echo.headers["content-type"], echo.body], ["application/json", '{"a":[1]}']);
  });

  it("sends null as JSON, and accepts null for omitted params", async () => {
    const nulls = {
      method: null,
      headers: null,
      body: null,
      timeoutMs: null,
      expectStatus: null,
      redirects: null,
    };
    assert.equal((await echoed({ url: `${base}/echo`, ...nulls, json: null })).body, "");
    const text = await echoed({ url: `${base}/echo`, ...nulls, method: "POST", body: "text", json: null });
    assert.equal(text.body, "text");
    const echo = await echoed({ url: `${base}/echo`, ...nulls, method: "POST", json: null });
    assert.deepEqual([echo.headers["content-type"], echo.body], ["application/json", "null"]);
  });

  it("returns text as text, even if JSON was declared", async () => {
    assert.equal((await request({ url: `${base}/text` })).body, "héllo");
    assert.equal((await request({ url: `${base}/not-json` })).body, "{");
  });

  it("returns JSON that cannot be stored as text", async () => {
    for (const path of ["/driver-type", "/nul-key", "/deep"]) {
      const { body } = await request({ url: `${base}${path}` });
      assert.equal(typeof body, "string", path);
      assert.deepEqual(JSON.parse(body as string), JSON.parse(unstorable[path] as string));
    }
  });

  it("keeps 64 KiB of a large body and marks it as truncated", async () => {
    const { body, truncated } = await request({ url: `${base}/large` });
    assert.equal((body as string).length, 65_536);
    assert.equal(truncated, true);
  });

  for (const [path, retryable] of [
    ["/404", false],
    ["/429", true],
    ["/503", true],
  ] as const) {
    it(`${path} is a ${retryable ? "" : "non-"}retryable failure`, () =>
      assert.rejects(request({ url: `${base}${path}?token=hunter2` }), {
        type: "HTTP_STATUS",
        message: `GET 127.0.0.1:${port} answered ${path.slice(1)}`,
        retryable,
      }));
  }

  it("accepts an expected status", async () => {
    assert.equal((await request({ url: `${base}/404`, expectStatus: [200, 404] })).status, 404);
    await assert.rejects(request({ url: `${base}/text`, expectStatus: [204] }), { type: "HTTP_STATUS" });
  });

  describe("follows redirects", () => {
    it("as GET after POST, without the body", async () => {
      const echo = await echoed({ url: `${base}/moved`, method: "POST", json: {} });
      assert.deepEqual([echo.method, echo.body, echo.headers["content-type"]], ["GET", "", undefined]);
    });

    it("with method and body if the status requires it", async () => {
      const echo = await echoed({ url: `${base}/kept`, method: "POST", body: "again" });
      assert.deepEqual([echo.method, echo.body], ["POST", "again"]);
    });

    it("to another origin without the secrets", async () => {
      routes["/away"] = redirect(302, `http://localhost:${port}/echo`);
      const headers = { Authorization: "Bearer x", Cookie: "a=1", "X-Trace": "7" };
      const same = await echoed({ url: `${base}/moved`, headers });
      assert.equal(same.headers.authorization, "Bearer x");
      const away = await echoed({ url: `${base}/away`, headers });
      assert.deepEqual(
        [away.headers.authorization, away.headers.cookie, away.headers["x-trace"]],
        [undefined, undefined, "7"],
      );
    });

    it("up to a limit", async () => {
      await assert.rejects(request({ url: `${base}/loop`, redirects: 3 }), {
        type: "HTTP_STATUS",
        message: `GET 127.0.0.1:${port} answered 302: too many redirects, 3 were followed`,
      });
      await assert.rejects(request({ url: `${base}/loop`, redirects: 0 }), { message: /answered 302$/ });
      const first = await request({ url: `${base}/moved`, redirects: 0, expectStatus: [302] });
      assert.equal(first.headers.location, "/echo");
    });

    it("to http and https only", () =>
      assert.rejects(request({ url: `${base}/to-file` }), { type: "HTTP_REDIRECT_INVALID" }));
  });

  describe("ends", () => {
    const slow = { type: "HTTP_TIMEOUT", retryable: true };
    it("at its own limit, before and during the response", async () => {
      await assert.rejects(request({ url: `${base}/silent`, timeoutMs: 50 }), slow);
      await assert.rejects(request({ url: `${base}/stalls`, timeoutMs: 50 }), slow);
    });

    it("when its run is aborted, with the run's reason", async () => {
      const controller = new AbortController();
      const reason = new Error("the run took too long");
      setTimeout(() => controller.abort(reason), 30);
      const ended = request({ url: `${base}/silent`, timeoutMs: 10_000 }, { signal: controller.signal });
      await assert.rejects(ended, reason);
    });

    it("with the cause if the server cannot be reached", async () => {
      const unreachable = { type: "HTTP_UNREACHABLE", retryable: true };
      await assert.rejects(request({ url: "http://127.0.0.1:1/" }), {
        ...unreachable,
        message: /ECONNREFUSED/,
      });
      await assert.rejects(request({ url: "http://localhost:1/" }), {
        ...unreachable,
        message: /ECONNREFUSED/,
      });
      await assert.rejects(request({ url: `${base}/hangs-up` }), unreachable);
      await assert.rejects(request({ url: `https://127.0.0.1:${port}/text` }), {
        ...unreachable,
        message: `127.0.0.1:${port} cannot be reached: TLS failed: wrong version number`,
      });
    });
  });

  describe("guards private addresses", () => {
    const forbidden = { type: "HTTP_ADDRESS_FORBIDDEN", retryable: false };
    it("by number and by name", async () => {
      await assert.rejects(request({ url: `${base}/text` }, { handler: guarded }), forbidden);
      await assert.rejects(
        request({ url: `http://[::ffff:127.0.0.1]:${port}/` }, { handler: guarded }),
        forbidden,
      );
      await assert.rejects(request({ url: `http://localhost:${port}/` }, { handler: guarded }), forbidden);
    });
  });

  describe("rejects params", () => {
    const faults: [object, RegExp][] = [
      [{ url: "ftp://example.com/" }, /url is no http or https URL/],
      [{ url: "example.com" }, /url is no http or https URL/],
      [
        { url: "http://x/", method: "get" },
        /method is none of the values allowed; expected one of GET, HEAD/,
      ],
      [{ url: "http://x/", headers: { "bad name": "1" } }, /headers\.bad name is no HTTP header/],
      [{ url: "http://x/", headers: { a: "1\r\nb: 2" } }, /headers\.a is no HTTP header/],
      [{ url: "http://x/", headers: { a: 1 } }, /headers\.a is no HTTP header/],
      [{ url: "http://x/", method: "POST", body: "a", json: 1 }, /body is given together with json/],
      [
        { url: "http://x/", body: "a" },
        /body cannot be sent with GET; expected no body, or a method such as POST/,
      ],
      [{ url: "http://x/", json: [] }, /json cannot be sent with GET/],
      [{ url: "http://x/", method: "HEAD", body: "" }, /body cannot be sent with HEAD/],
      ...["Host", "Content-Length", "Transfer-Encoding", "connection", "TE", "Upgrade", "Expect"].map(
        (name): [object, RegExp] => [
          { url: "http://x/", method: "POST", headers: { [name]: "1" } },
          new RegExp(`headers\\.${name} is set by the connection itself`),
        ],
      ),
      [{ url: "http://x/", expectStatus: [20] }, /expectStatus\[0\] is too small/],
    ];
    for (const [params, message] of faults) {
      it(JSON.stringify(params), () =>
        assert.throws(() => open.checkParams(params), { type: "HANDLER_PARAMS_INVALID", message }),
      );
    }
  });
});
