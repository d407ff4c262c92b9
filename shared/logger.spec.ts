import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import { AppError } from "./errors.ts";
import { brokerLogger, createLogger } from "./logger.ts";

const config = { logLevel: "info", logFormat: "json" } as const;

function captured() {
  const lines: string[] = [];
  return {
    destination: { write: (line: string) => void lines.push(line) },
    text: () => lines.join(""),
    last: () => JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown>,
  };
}

describe("logger", () => {
  it("writes one JSON object a line with level name and ISO time", () => {
    const { destination, last } = captured();
    createLogger(config, destination).info({ route: "GET /health" }, "request");
    const { level, time, route, msg } = last();
    assert.deepEqual({ level, route, msg }, { level: "info", route: "GET /health", msg: "request" });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it("does not write lines below its level", () => {
    const { destination, text } = captured();
    createLogger(config, destination).debug("unseen");
    assert.equal(text(), "");
  });

  it("masks secrets at any depth, in errors too", () => {
    const { destination, text } = captured();
    const cause = Object.assign(new Error("refused"), { password: "hunter2" });
    const err = new AppError("no entry", {
      type: "HTTP_ADDRESS_FORBIDDEN",
      data: { token: "hunter2" },
      cause,
    });
    createLogger(config, destination).error(
      { headers: { Authorization: "hunter2", cookie: "hunter2" }, list: [{ client_secret: "hunter2" }], err },
      "failed",
    );
    assert.doesNotMatch(text(), /hunter2/);
    assert.match(text(), /"type":"HTTP_ADDRESS_FORBIDDEN".*"cause":{"type":"Error","message":"refused"/);
  });

  it("keeps the error that Moleculer passes after its message", () => {
    const { destination, last } = captured();
    createLogger(config, destination).error(
      "Unable to start service." as never,
      new Error("port taken") as never,
    );
    const { msg, err } = last() as unknown as { msg: string; err: { message: string; stack: string } };
    assert.equal(msg, "Unable to start service.");
    assert.match(err.message, /port taken/);
    assert.match(err.stack, /logger\.spec\.ts/);
  });

  it("cuts cycles", () => {
    const { destination, text } = captured();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    createLogger(config, destination).info({ circle }, "round");
    assert.match(text(), /\[object\]/);
  });

  describe("of a broker", () => {
    const logged = async (level: "info" | "debug", isVerbose = false) => {
      const { destination, text } = captured();
      const root = createLogger({ ...config, logLevel: level }, destination);
      const logger = brokerLogger({ ...config, logLevel: level }, root, isVerbose);
      const broker = new ServiceBroker({ logger, skipProcessEventRegistration: true });
      broker.createService({ name: "scheduler", started: () => Promise.reject(new Error("no store")) });
      broker.getLogger("scheduler").info({ due: 3 }, "claimed");
      broker.getLogger("bus").info("NATS is back");
      await assert.rejects(broker.start(), /no store/);
      await broker.stop();
      return text();
    };

    it("has the bindings of its module", async () => {
      assert.match(await logged("info"), /"mod":"scheduler",.*"due":3,"msg":"claimed"/);
    });

    it("logs Moleculer's own messages and failed starts at debug", async () => {
      const lines = await logged("info");
      assert.match(lines, /NATS is back/);
      assert.doesNotMatch(lines, /Moleculer|registered|no store|Good bye/);
      assert.match(await logged("debug"), /"debug".*Moleculer v0\.15.*no store/s);
    });

    it("keeps the level of Moleculer's messages if it is verbose", async () => {
      assert.match(await logged("info", true), /"info".*Moleculer v0\.15/);
    });
  });
});
