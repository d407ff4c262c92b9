import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { eventually } from "../../test/eventually.ts";
import { backendServices } from "./backend-services.fixture.ts";
import { type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);
const ok = (data: unknown) => JSON.stringify({ code: 200, message: "success", data });

describe("a gateway", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
    backend.trouble = undefined;
  });

  describe("health and readiness", () => {
    it("is alive", async () => assert.equal((await http("GET /health")).text, ok({ status: "ok" })));

    it("lists its entry points", async () => {
      assert.equal(JSON.parse((await http("GET /")).text).data.ready, "/ready");
    });

    it("is ready with everything there", async () => {
      const { status, text } = await http("GET /ready");
      assert.equal(status, 200);
      assert.ok(JSON.parse(text).data.checks.every(({ ok }: { ok: boolean }) => ok));
    });

    it("is not ready without a service or a store, and names them", async () => {
      const own = await runGateway({
        services: backend.schemas.filter(({ name }) => name !== "records"),
        readiness: async () => [{ name: "mongodb", ok: false, reason: "unreachable" }],
      });
      const response = await fetch(`${own.origin}/ready`);
      const { code, message } = (await response.json()) as { code: number; message: string };
      assert.equal(response.status, 503);
      assert.equal(code, 503);
      assert.match(message, /records/);
      assert.match(message, /mongodb（unreachable）/);
      const listed = await fetch(`${own.origin}/scheduler/task/record/list/query`);
      assert.equal(listed.status, 503);
      assert.match(await listed.text(), /服务 records 当前不可用/);
      await own.stop();
    });
  });

  it("publishes neither its address nor its routes, and no node can change them", () => {
    const { broker, service } = gateway;
    const mine = broker.registry.getActionList({}).map(({ name }) => name);
    assert.deepEqual(
      mine.filter((name) => name.startsWith("gateway.")),
      [],
    );
    const known = broker.registry.getServiceList({}).find(({ name }) => name === "gateway");
    assert.ok(known);
    for (const name of ["ip", "port", "routes"]) {
      assert.ok(!(name in known.settings), name);
      assert.ok(name in service.settings, name);
    }
  });
});

describe("a gateway that stops", () => {
  it("finishes the requests in flight and accepts no more", async () => {
    const own = await runGateway({ services: backend.schemas });
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    backend.trouble = () => {
      reached.resolve();
      return held.promise;
    };
    const inFlight = fetch(`${own.origin}/scheduler/task/list/query`);
    await reached.promise;
    const stopped = own.broker.destroyService(own.service);
    const closed = new Promise<void>((resolve) => own.service.server.once("close", () => resolve()));
    await untilRefused(own.origin);
    held.resolve();
    const response = await inFlight;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("connection"), "close");
    await response.text();
    await Promise.all([stopped, closed]);
    backend.trouble = undefined;
    await own.stop();
  });

  it("does not wait for longer than it may", async () => {
    const own = await runGateway({
      services: backend.schemas,
      config: { drainMs: 50, callTimeoutMs: 60_000 },
    });
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    backend.trouble = () => {
      reached.resolve();
      return held.promise;
    };
    const inFlight = fetch(`${own.origin}/scheduler/task/list/query`);
    const cut = assert.rejects(inFlight);
    await reached.promise;
    await own.broker.destroyService(own.service);
    await cut;
    held.resolve();
    backend.trouble = undefined;
    await own.stop();
  });
});

async function untilRefused(origin: string): Promise<void> {
  await eventually(() =>
    fetch(`${origin}/health`).then(
      (response) => response.text().then(() => false),
      () => true,
    ),
  );
}
