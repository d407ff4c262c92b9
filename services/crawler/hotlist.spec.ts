import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHotList } from "./hotlist.ts";

const row = { title: "春节", heat: "123.4万", link: "https://example.com/1" };
const response = (data: unknown, more: object = {}) => JSON.stringify({ code: 1, msg: "ok", data, ...more });

describe("hot list", () => {
  it("keeps the order of its rows and ignores what it does not know", () => {
    assert.deepEqual(
      parseHotList(
        response(
          [
            { ...row, index: 7 },
            { title: "", heat: 5, link: "" },
          ],
          { time: 1 },
        ),
      ),
      [
        { rank: 1, ...row },
        { rank: 2, title: "", heat: "5", link: "" },
      ],
    );
  });

  it("that is no JSON is refused, and may be better next time", () => {
    assert.throws(() => parseHotList("<html>"), { type: "CRAWL_BAD_JSON", retryable: true });
    assert.throws(() => parseHotList(""), { type: "CRAWL_BAD_JSON" });
  });

  it("of a failure that the source admits carries its code and message, cut", () => {
    const msg = "x".repeat(1000);
    assert.throws(() => parseHotList(response(null, { code: 0, msg: "限流" })), {
      type: "CRAWL_REFUSED",
      message: '任务执行失败, code: 0, msg: "限流"',
    });
    assert.throws(
      () => parseHotList(response([row], { code: "1", msg })),
      (error: Error) => error.message.startsWith('任务执行失败, code: "1"') && error.message.length < 300,
    );
    assert.throws(() => parseHotList('{"code":500}'), { message: "任务执行失败, code: 500, msg: undefined" });
  });

  const shapes: [string, string, string][] = [
    ["[]", "the answer is an array", "an object with code, msg, data"],
    ["null", "the answer is null", "an object"],
    [JSON.stringify({ data: [row] }), "code is missing", "1"],
    [JSON.stringify({ code: 1 }), "data is missing", "an array of rows"],
    [response({ rows: [] }), "data is an object", "an array of rows"],
    [response([]), "data is empty", "an array of rows"],
    [response(Array(1001).fill(row)), "data has 1001 rows", "at most 1000"],
    [response([row, "x"]), "data[1] is a string", "an object with title, heat, link"],
    [response([row, { ...row, title: null }]), "data[1].title is null", "a string"],
    [response([{ title: "a", link: "b" }]), "data[0].heat is missing", "a string"],
    [response([{ ...row, link: 7 }]), "data[0].link is a number", "a string"],
  ];
  for (const [text, fault, expected] of shapes) {
    it(`of another shape is refused by field and row: ${fault}`, () => {
      assert.throws(
        () => parseHotList(text),
        (error: Error & { type: string }) =>
          error.type === "CRAWL_BAD_SHAPE" && error.message.includes(`: ${fault}; expected ${expected}`),
      );
    });
  }
});
