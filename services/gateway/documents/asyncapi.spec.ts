import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Parser } from "@asyncapi/parser";
import { catalogue } from "../../../shared/contracts/catalogue.ts";
import { asyncApiDocument } from "./asyncapi.ts";

describe("the document of the events", () => {
  it("is valid AsyncAPI 3, with a channel for every event", async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()));
    const errors = diagnostics.filter(({ severity }) => severity === 0);
    assert.deepEqual(errors, []);
    const addresses = document?.channels().map((channel) => channel.address());
    const subjects = Object.keys(catalogue.contracts).map((type) => `kinit.${type}`);
    assert.deepEqual(addresses?.toSorted(), subjects.sort());
  });
});
