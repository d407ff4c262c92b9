import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { catalogue } from "./catalogue.ts";
import { objectSchema, ruleSchema } from "./json-schema.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { "date-time": true, uuid: true } });

describe("the JSON Schema of a contract", () => {
  for (const [type, { data, example }] of Object.entries(catalogue.contracts)) {
    it(`of ${type} accepts its example, and not without one of its fields`, () => {
      const accepts = ajv.compile(objectSchema(data));
      assert.ok(accepts(example), JSON.stringify(accepts.errors));
      const { required = [] } = objectSchema(data) as { required?: readonly string[] };
      for (const field of required) {
        assert.ok(!accepts({ ...example, [field]: undefined }), `accepts ${type} without ${field}`);
      }
    });
  }

  it("allows null where the rule is nullable, and nowhere else", () => {
    const accepts = (rule: Parameters<typeof ruleSchema>[0], value: unknown) =>
      ajv.validate(ruleSchema(rule), value);
    assert.ok(accepts({ type: "enum", values: ["a"], nullable: true }, null));
    assert.ok(accepts({ type: "object", nullable: true, props: { a: "string" } }, null));
    assert.ok(accepts("number|nullable", null));
    assert.ok(!accepts({ type: "enum", values: ["a"] }, null));
    assert.ok(!accepts("number", null));
    assert.ok(!accepts("number|optional", null));
  });

  it("keeps limits, patterns and the closing of objects", () => {
    assert.deepEqual(ruleSchema({ type: "number", integer: true, min: 1, max: 9, default: 2 }), {
      type: "integer",
      minimum: 1,
      maximum: 9,
      default: 2,
    });
    assert.deepEqual(ruleSchema({ type: "string", max: 3, pattern: /^a/ }), {
      type: "string",
      maxLength: 3,
      pattern: "^a",
    });
    assert.deepEqual(ruleSchema({ type: "object", strict: true, props: { a: "any|optional" } }), {
      type: "object",
      properties: { a: {} },
      additionalProperties: false,
    });
  });
});
