import assert from "node:assert/strict";
import { get } from "node:http";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import type { TaskView } from "../../shared/contracts/scheduler-actions.ts";
import { AppError } from "../../shared/errors.ts";
import { objectId } from "../../shared/ids.ts";
import { someActionsOf } from "../../shared/service.ts";
import { exampleTask } from "./backend-services.fixture.ts";
import { logged, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const LIST = "GET /scheduler/task/list/query?limit=0";
const ids = Array.from({ length: 100 }, (_, at) => objectId(at));
const nameOf = (id: string) => `task ${ids.indexOf(id)}`;
const taskOf = (id: string): TaskView => ({
  ...exampleTask,
  id,
  name: nameOf(id),
  remark: "x".repeat(20_000),
});

describe("a gateway that sends a list too long for one message between services", () => {
  let gateway: RunningGateway;
  let queries: ActionParams<"scheduler.rows">[];
  /** What the n-th request for more rows meets. */
  let trouble: (count: number) => void | Promise<void>;
  let found: { total: number; rest?: readonly string[] };

  const scheduler: ServiceSchema = {
    name: "scheduler",
    actions: someActionsOf<"scheduler">("scheduler", {
      list: () => ({ items: ids.slice(0, 10).map(taskOf), ...found }),
      rows: async (query) => {
        queries.push(query);
        await trouble(queries.length);
        const taken = Math.min(10, query.ids.length);
        return { items: query.ids.slice(0, taken).map(taskOf), taken };
      },
    }),
  };
  beforeEach(async () => {
    queries = [];
    trouble = () => {};
    found = { total: ids.length, rest: ids.slice(10) };
    gateway = await runGateway({ services: [scheduler] });
  });
  afterEach(() => gateway.stop());

  it("sends all rows in order, in the envelope of any list", async () => {
    const { status, headers, text } = await send(gateway, LIST);
    assert.equal(status, 200);
    assert.equal(headers.get("content-type"), "application/json");
    assert.deepEqual(Object.keys(JSON.parse(text)), ["code", "message", "data", "total", "page", "limit"]);
    const { data, ...rest } = JSON.parse(text) as { data: { name: string }[] };
    assert.deepEqual(rest, { code: 200, message: "success", total: 100, page: 1, limit: 0 });
    assert.deepEqual(
      data.map(({ name }) => name),
      ids.map(nameOf),
    );
    assert.equal(queries.length, 9);
  });

  it("returns an error where the first rows cannot be read", async () => {
    const own = await runGateway({
      services: [
        {
          name: "scheduler",
          actions: someActionsOf<"scheduler">("scheduler", {
            list: () => {
              throw new AppError("too long", {
                type: "LIST_TOO_LONG",
                data: { rows: 10_001, limit: 10_000 },
              });
            },
          }),
        },
      ],
    });
    const { status, text } = await send(own, LIST);
    await own.stop();
    assert.equal(status, 200);
    const { message, code, errors } = JSON.parse(text);
    assert.deepEqual(
      [message, code, errors[0].field],
      ["共 10001 条数据，超过单次查询上限 10000 条，请使用 page 和 limit 分页查询", 400, "limit"],
    );
  });

  it("cuts the connection where rows fail in the middle, and logs why", async () => {
    trouble = (count) => {
      if (count === 3) throw new AppError("gone", { type: "STORE_UNAVAILABLE" });
    };
    await assert.rejects(send(gateway, LIST));
    const line = await logged(gateway, ({ msg }) => msg === "response was cut off");
    assert.match(JSON.stringify(line.err), /gone/);
  });

  it("reads no more when the client has left", async () => {
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    trouble = (count) => {
      if (count !== 2) return undefined;
      reached.resolve();
      return held.promise;
    };
    const request = get(`${gateway.origin}${LIST.split(" ")[1]}`, (response) => response.resume());
    request.on("error", () => {});
    await reached.promise;
    request.destroy();
    assert.equal((await logged(gateway, ({ msg }) => msg === "request")).status, 499);
    held.resolve();
    await gateway.stop();
    assert.equal(queries.length, 2);
    gateway = await runGateway({ services: [] });
  });

  it("reads no faster than a slow client", async () => {
    const rows = Array.from({ length: 1000 }, (_, at) => objectId(at));
    found = { total: rows.length, rest: rows };
    const response = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
      get(`${gateway.origin}${LIST.split(" ")[1]}`, resolve).once("error", reject);
    });
    response.pause();
    await steady(() => queries.length);
    const whilePaused = queries.length;
    assert.ok(whilePaused < 95, `${whilePaused} of 100 blocks were read`);
    let bytes = 0;
    for await (const part of response) bytes += (part as Buffer).length;
    assert.ok(bytes > 20_000_000);
    assert.equal(queries.length, 100);
  });
});

/** Resolves when a number has not changed for a while; rejects where it does not stop. */
async function steady(read: () => number): Promise<void> {
  let unchanged = 0;
  for (let last = -1, turns = 0; unchanged < 20; turns++) {
    if (turns > 500) throw new Error("still changing");
    const now = read();
    unchanged = now === last && now > 0 ? unchanged + 1 : 0;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
