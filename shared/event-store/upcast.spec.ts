import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventDocument } from "./event-document.ts";
import { type Upcaster, upcast, upcasters } from "./upcast.ts";

interface PausedV2 {
  readonly taskId: string;
  readonly at: string;
  readonly reason: string;
}

/** As if `task.paused` had got a required reason with version 2, which version 3 renamed. */
const known: Readonly<Record<string, Upcaster>> = {
  "task.paused/1": ({ type, data }) => ({
    type,
    dataschema: "task.paused/2",
    data: { ...(data as object), reason: "requested" },
  }),
  "task.paused/2": ({ type, data }) => {
    const { reason, ...rest } = data as PausedV2;
    return { type, dataschema: "task.paused/3", data: { ...rest, cause: reason } };
  },
};
const stored: EventDocument = {
  _id: "019c0000-0000-7000-8000-000000000000",
  stream: "task-66f2a1b00a1b2c3d4e5f6070",
  version: 2,
  type: "task.paused",
  source: "scheduler",
  time: new Date("2026-01-05T08:00:00.000Z"),
  dataschema: "task.paused/1",
  data: { taskId: "66f2a1b00a1b2c3d4e5f6070", at: "2026-01-05T08:00:00.000Z" },
};

describe("an event of an older version", () => {
  it("is read in the shape of the current one, version by version; all else stays as stored", () => {
    assert.deepEqual(upcast(stored, known), {
      ...stored,
      dataschema: "task.paused/3",
      data: { taskId: "66f2a1b00a1b2c3d4e5f6070", at: "2026-01-05T08:00:00.000Z", cause: "requested" },
    });
  });

  it("is left alone if there is no newer version", () => {
    const current = { ...stored, dataschema: "task.paused/3" };
    assert.equal(upcast(current, known), current);
    assert.equal(upcast(stored, {}), stored);
  });

  it("is never upcast for ever", () => {
    const idle: Upcaster = (event) => event;
    assert.throws(() => upcast(stored, { "task.paused/1": idle }), /does not change the version/);
  });

  it("is known by its type and version", () => {
    for (const dataschema of Object.keys(upcasters)) assert.match(dataschema, /^[a-z]+\.[a-z_]+\/\d+$/);
  });
});
