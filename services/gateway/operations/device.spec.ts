import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deviceOf } from "./device.ts";

describe("the device of a client", () => {
  const rows: readonly [string | undefined, string, string][] = [
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
      "macOS Catalina",
      "Safari 17.5",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Linux", "Firefox 127.0"],
    ["curl/8.5.0", "Other", "curl 8.5.0"],
    ["python-requests/2.32.3", "Other", "python-requests 2.32.3"],
    ["node", "Other", "Other"],
    ["", "Other", "Other"],
    [undefined, "Other", "Other"],
    ["\u0000\uffff'{$ne:1}<script>".repeat(1000), "Other", "Other"],
  ];
  for (const [userAgent, system, browser] of rows) {
    it(`behind ${JSON.stringify(userAgent?.slice(0, 60))} is ${system}, ${browser}`, () =>
      assert.deepEqual(deviceOf(userAgent), { system, browser }));
  }
});
