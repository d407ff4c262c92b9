import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request } from "node:http";
import { after, before, beforeEach, describe, it } from "node:test";
import { backendServices } from "./backend-services.fixture.ts";
import { logged, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);

describe("a gateway over HTTP", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
    backend.trouble = undefined;
  });

  describe("follows HTTP", () => {
    const notFound = '{"code":404,"message":"Not Found"}';
    const notAllowed = '{"code":405,"message":"Method Not Allowed"}';
    const rows: readonly [alias: string, status: number, text: string][] = [
      ["GET /nowhere", 404, notFound],
      ["POST /nowhere", 404, notFound],
      ["POST /nowhere/", 404, notFound],
      ["GET //", 404, notFound],
      ["GET /Health", 404, notFound],
      ["GET /scheduler/task/create", 405, notAllowed],
      ["PUT /scheduler/task/create", 405, notAllowed],
      ["PATCH /health", 405, notAllowed],
      ["OPTIONS /health", 405, notAllowed],
      ["HEAD /health", 405, ""],
      ["HEAD /nowhere", 404, ""],
    ];
    for (const [alias, status, text] of rows) {
      it(alias, async () => assert.deepEqual(pick(await http(alias)), { status, text }));
    }

    it("names the methods that a path has", async () => {
      assert.equal((await http("GET /scheduler/task/create")).headers.get("allow"), "POST");
    });

    for (const method of ["GET", "POST"]) {
      it(`sends ${method} with a trailing slash to where it belongs, query and all`, async () => {
        const { status, headers } = await http(`${method} /scheduler/task/list/query//?page=2&limit=3`);
        assert.equal(status, 307);
        assert.equal(headers.get("location"), "/scheduler/task/list/query?page=2&limit=3");
      });
    }

    it("needs no User-Agent", async () => {
      const { status } = await bare("/health", {});
      assert.equal(status, 200);
    });

    it("returns the process time and the header of the first revision", async () => {
      const { headers } = await http("GET /health");
      assert.match(headers.get("x-process-time") ?? "", /^\d+ms$/);
      assert.equal(headers.get("if-refresh"), "0");
    });

    it("opens nothing to other origins", async () => {
      const { headers } = await http("GET /health", { headers: { origin: "https://example.org" } });
      assert.equal(headers.get("access-control-allow-origin"), null);
    });
  });

  describe("request ids", () => {
    it("keeps a sane one, passes it on to the services and logs it", async () => {
      const { headers } = await http("GET /scheduler/task/list/query?token=hunter2", {
        headers: { "x-request-id": "req-1/a" },
      });
      assert.equal(headers.get("x-request-id"), "req-1/a");
      assert.equal(backend.context?.requestID, "req-1/a");
      const { method, route, status, code, ms } = await logged(
        gateway,
        (line) => line.requestId === "req-1/a",
      );
      assert.deepEqual(
        { method, route, status, code },
        { method: "GET", route: "/scheduler/task/list/query", status: 200, code: 200 },
      );
      assert.equal(typeof ms, "number");
      assert.doesNotMatch(JSON.stringify(gateway.lines()), /hunter2/);
    });

    const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (const [traceparent, meta] of [
      [trace, { traceparent: trace }],
      ["nonsense", {}],
    ] as const) {
      it(`passes the trace context ${traceparent} on where it is one`, async () => {
        await http("GET /scheduler/task/list/query", { headers: { traceparent } });
        assert.deepEqual({ ...backend.context?.meta }, meta);
      });
    }

    it("logs a client that leaves before the response", async () => {
      const reached = Promise.withResolvers<void>();
      const held = Promise.withResolvers<void>();
      backend.trouble = () => {
        reached.resolve();
        return held.promise;
      };
      const leaving = new AbortController();
      const left = assert.rejects(
        http("GET /scheduler/task/list/query", {
          signal: leaving.signal,
          headers: { "x-request-id": "leaver" },
        }),
      );
      await reached.promise;
      leaving.abort();
      await left;
      assert.equal((await logged(gateway, (line) => line.requestId === "leaver")).status, 499);
      held.resolve();
    });

    for (const given of ["a b", "x".repeat(129), "<script>"]) {
      it(`replaces ${given.slice(0, 10)}`, async () => {
        const { headers } = await http("GET /health", { headers: { "x-request-id": given } });
        assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
      });
    }
  });
});

const pick = ({ status, text }: { status: number; text: string }) => ({ status, text });

/** A request with these headers and no others. */
function bare(path: string, headers: IncomingHttpHeaders): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(gateway.origin + path, { headers, agent: false }, (response) => {
      response.resume().once("end", () => resolve({ status: response.statusCode }));
    });
    sent.once("error", reject).end();
  });
}
