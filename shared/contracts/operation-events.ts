import { type EventOf, event, eventFamily } from "./event.ts";

const nullableText = (max: number) => ({ type: "string", max, nullable: true }) as const;

export const operationEvents = eventFamily({
  "operation.recorded": event({
    version: 1,
    source: "gateway",
    stream: "operation",
    summary:
      "A request to change something was responded to, or refused. The stream has the operations of one day, in UTC.",
    data: {
      operationId: "id",
      at: "instant",
      /** Whom the request was made for, and from where. */
      actor: nullableText(255),
      address: nullableText(64),
      system: nullableText(255),
      browser: nullableText(255),
      method: { type: "string", max: 16 },
      /** The path of its route, and the whole URL with secrets masked. */
      path: { type: "string", max: 255 },
      url: { type: "string", max: 20_000 },
      /** Group and name of the operation: `scheduler_task.create`. */
      operation: { type: "string", max: 255 },
      summary: { type: "string", max: 255 },
      tags: { type: "array", items: "string" },
      /** What was sent, with secrets masked: the text of the body, cut if it is long, and the query. */
      body: "string",
      query: {
        type: "array",
        items: { type: "object", strict: true, props: { name: "string", value: "string" } },
      },
      /** Of the response: its HTTP status, the code in its body, and its length in bytes. */
      status: { type: "number", integer: true },
      code: { type: "number", integer: true, nullable: true },
      contentLength: { type: "number", integer: true, nullable: true },
      durationMs: { type: "number", min: 0 },
    },
    example: {
      operationId: "66f2a1e00a1b2c3d4e5f6075",
      at: "2026-01-05T08:00:00.000Z",
      actor: "admin",
      address: "192.0.2.7",
      system: "Windows 10",
      browser: "Chrome 126.0.0",
      method: "POST",
      path: "/scheduler/task/stop/update",
      url: "http://tasks.example.org/scheduler/task/stop/update?data_id=66f2a1b00a1b2c3d4e5f6070",
      operation: "scheduler_task.stop_task",
      summary: "Pause a task",
      tags: ["Tasks"],
      body: "",
      query: [{ name: "data_id", value: "66f2a1b00a1b2c3d4e5f6070" }],
      status: 200,
      code: 200,
      contentLength: 60,
      durationMs: 4.2,
    },
  }),
});

export type OperationEvent = EventOf<typeof operationEvents.contracts>;
export type OperationRecorded = OperationEvent["data"];
