import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { HandlerParamsInvalid } from "../../services/executor/handler/handler-params.ts";
import { HandlerUnknown } from "../../services/executor/handler/handler-registry.ts";
import { errorTexts } from "../../services/gateway/texts/error-texts.ts";
import type { Language } from "../../services/gateway/texts/language.ts";
import { triggerTexts } from "../../services/gateway/texts/trigger-texts.ts";
import { errorResponse } from "../../services/gateway/wire/error-response.ts";
import { type TaskCommand, task } from "../../services/scheduler/task/task.ts";
import { type ErrorType, errorTypes } from "../../shared/contracts/errors.ts";
import { PARAM_REASONS } from "../../shared/contracts/handler-faults.ts";
import { exampleDefinition } from "../../shared/contracts/task-definition.ts";
import type { TriggerFault } from "../../shared/contracts/trigger-faults.ts";
import { AppError } from "../../shared/errors.ts";

/** What version 0.1 returned for faulty definitions, recorded from its code. */
interface Recorded {
  readonly given: object;
  readonly field: string;
  readonly message: string;
  readonly expected: string;
}
const recorded = JSON.parse(
  readFileSync(new URL("./trigger-texts.recorded.json", import.meta.url), "utf8"),
) as readonly Recorded[];

const CHINESE = /\p{Script=Han}/u;
const now = Date.parse("2026-01-05T08:00:00.000Z");

function rejectionOf(given: object): AppError {
  const definition = { ...exampleDefinition, ...given };
  const command = { type: "create", taskId: "66f2a1b00a1b2c3d4e5f6070", definition, isActive: true, now };
  try {
    task.decide(command as TaskCommand, { status: "none" });
  } catch (error) {
    return error as AppError;
  }
  assert.fail(`${JSON.stringify(given)} was accepted`);
}

interface Body {
  readonly message: string;
  readonly errors?: readonly {
    readonly field: string;
    readonly message: string;
    readonly expected: string;
  }[];
}
const bodyOf = (error: unknown, language: Language) =>
  errorResponse(error, language)?.body as unknown as Body;

describe("the texts of the API for a faulty trigger", () => {
  for (const { given, field, message, expected } of recorded) {
    it(`are as recorded for ${JSON.stringify(given).slice(0, 90)}`, () => {
      const error = rejectionOf(given);
      assert.doesNotMatch(error.message, CHINESE);
      const zh = bodyOf(error, "zh");
      assert.deepEqual(
        { message: zh.message, errors: zh.errors },
        { message, errors: [{ field, message, expected }] },
      );
      const en = bodyOf(error, "en");
      assert.doesNotMatch(JSON.stringify(en.errors).replaceAll("＊", ""), CHINESE);
      assert.doesNotMatch(JSON.stringify([zh, en]), /undefined|\[object/);
    });
  }

  it("cover every reason", () => {
    const seen = new Set(recorded.map(({ given }) => (rejectionOf(given).data as TriggerFault).reason));
    assert.deepEqual([...seen].sort(), Object.keys(triggerTexts).sort());
  });
});

describe("the texts of the API for errors", () => {
  for (const type of Object.keys(errorTypes) as ErrorType[]) {
    it(`has one for ${type}`, () => {
      assert.ok(Object.hasOwn(errorTexts, type));
      const error = AppError.restored({ type, message: "thrown", code: errorTypes[type].code, data: null });
      for (const language of ["zh", "en"] as const) {
        const response = errorResponse(error, language);
        // What a 500 shows is the same for all.
        if (errorTypes[type].code >= 500 && response === undefined) continue;
        assert.ok((response?.body.message as string).length > 0);
      }
    });
  }

  for (const reason of PARAM_REASONS) {
    it(`has one in each language for params: ${reason}`, () => {
      const rule = { type: "string", min: 1, max: 5 };
      const fault = { field: "rows[0].title", reason, fault: "is wrong", expected: "a string", rule };
      const error = new HandlerParamsInvalid("demo.main.Greet", fault);
      const { message, errors } = bodyOf(error, "zh");
      assert.match(message, /^参数传递错误：rows\[0\]\.title [^a-z]+/);
      assert.equal(errors?.[0]?.field, "job_params.rows[0].title");
      assert.equal(bodyOf(error, "en").message, "Invalid params: rows[0].title is wrong; expected a string");
    });
  }

  it("are English where only the handler knows the rule", () => {
    const error = new HandlerParamsInvalid("demo.main.Greet", {
      field: "name",
      fault: "is taken",
      expected: "a free one",
    });
    assert.equal(bodyOf(error, "zh").message, "name is taken; expected a free one");
  });

  it("name what is unknown of a handler, as the original does", () => {
    const known = ["demo.main.Greet", "net.ping"];
    const texts = (name: string) =>
      (["zh", "en"] as const).map((language) => bodyOf(new HandlerUnknown(name, known), language).message);
    assert.deepEqual(texts("demo.other.Greet"), [
      "未找到该模块：demo.other；可用：demo.main.Greet, net.ping",
      "There is no module demo.other; available: demo.main.Greet, net.ping",
    ]);
    assert.deepEqual(texts("demo.main.Greeting"), [
      "未找到该模块下的方法：Greeting；可用：demo.main.Greet, net.ping",
      "The module has no Greeting; available: demo.main.Greet, net.ping",
    ]);
  });
});
