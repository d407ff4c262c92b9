import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineHandler } from "./define-handler.ts";
import { handlerRegistry } from "./handler-registry.ts";

const greet = defineHandler({
  name: "demo.main.Greet",
  title: "Says hello",
  params: { name: { type: "string", pattern: /^[a-z]+$/ } },
  check: ({ name }) =>
    name === "nobody" ? { field: "name", fault: "is nobody", expected: "somebody" } : undefined,
  run: ({ name }) => `hello ${name}`,
});
const ping = defineHandler({ name: "net.ping", title: "Pings", params: {}, timeoutMs: 50, run: () => null });
const registry = handlerRegistry([ping, greet]);

describe("handler registry", () => {
  it("rejects two handlers with the same name", () => {
    assert.throws(() => handlerRegistry([greet, ping, greet]), {
      type: "HANDLER_DUPLICATE",
      message: /demo\.main\.Greet/,
    });
  });

  it("reports an unknown module with the existing handlers", () => {
    assert.throws(() => registry.validate("demo.other.Greet", {}), {
      type: "HANDLER_UNKNOWN",
      code: 400,
      message: "No handler is named demo.other.Greet; available: demo.main.Greet, net.ping",
      data: { handler: "demo.other.Greet", handlers: ["demo.main.Greet", "net.ping"] },
    });
  });

  it("reports an unknown name in a known module", () => {
    assert.throws(() => registry.validate("demo.main.Greeting", {}), {
      type: "HANDLER_UNKNOWN",
      message: "No handler is named demo.main.Greeting; available: demo.main.Greet, net.ping",
    });
  });

  it("does not know names that every object has", () => {
    assert.throws(() => registry.validate("constructor", {}), { type: "HANDLER_UNKNOWN" });
    assert.throws(() => registry.validate("net.ping", JSON.parse('{"__proto__":1}')), {
      type: "HANDLER_PARAMS_INVALID",
    });
  });

  it("rejects params that cannot be stored, with their field", () => {
    const keep = defineHandler({ name: "k", title: "k", params: { value: "any" }, run: () => null });
    assert.throws(() => handlerRegistry([keep]).validate("k", { value: [{ _bsontype: "Long" }] }), {
      type: "HANDLER_PARAMS_INVALID",
      data: {
        handler: "k",
        field: "params.value[0]",
        reason: "RESERVED_KEY",
        fault: "has the reserved key _bsontype",
        expected: "plain names as keys",
      },
    });
  });

  it("reports invalid params with fault and expectation, never with their value", () => {
    const invalid = { type: "HANDLER_PARAMS_INVALID", code: 400 };
    assert.throws(() => registry.validate("demo.main.Greet", { name: "HUNTER2" }), {
      ...invalid,
      message: "name has the wrong form; expected a string matching /^[a-z]+$/",
      data: {
        handler: "demo.main.Greet",
        field: "params.name",
        reason: "WRONG_FORM",
        fault: "has the wrong form",
        expected: "a string matching /^[a-z]+$/",
        rule: { type: "string", pattern: "^[a-z]+$" },
      },
    });
    assert.throws(() => registry.validate("demo.main.Greet", { name: "nobody" }), {
      ...invalid,
      message: "name is nobody; expected somebody",
    });
    assert.doesNotThrow(() => registry.validate("demo.main.Greet", { name: "kinit" }));
  });

  it("lists its handlers as plain JSON", () => {
    const expected = [
      {
        name: "demo.main.Greet",
        title: "Says hello",
        params: { name: { type: "string", pattern: "^[a-z]+$" } },
        timeoutMs: 9000,
      },
      { name: "net.ping", title: "Pings", params: {}, timeoutMs: 50 },
    ];
    assert.deepEqual(registry.list(9000), expected);
    assert.deepEqual(JSON.parse(JSON.stringify(registry.list(9000))), expected);
  });
});
