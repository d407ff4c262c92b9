import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { httpPageFetcher, PAGE_MAX_BYTES } from "./http-page-fetcher.ts";
import { type Respond, sourceForTests } from "./source.fixture.ts";

describe("page fetcher", () => {
  const source = sourceForTests();
  const fetchFrom = (url: string, timeoutMs = 5000) =>
    httpPageFetcher({ url, timeoutMs, userAgent: "tester/1" }).fetch();
  const status = (code: number): Respond => {
    return (_, response) => response.writeHead(code).end("oops");
  };

  it("posts with the configured user agent and returns the text", async () => {
    const url = source.on("/list", ({ method, headers }, response) =>
      response.end(`${method} ${headers["user-agent"]} 热`),
    );
    assert.equal(await fetchFrom(url), "POST tester/1 热");
  });

  it("follows redirects", async () => {
    source.on("/new", ({ method }, response) => response.end(`here, by ${method}`));
    const moved = source.on("/old", (_, response) => response.writeHead(301, { location: "/new" }).end());
    assert.equal(await fetchFrom(moved), "here, by GET");
    const kept = source.on("/kept", (_, response) => response.writeHead(308, { location: "/new" }).end());
    assert.equal(await fetchFrom(kept), "here, by POST");
  });

  it("gives up redirects without an end", async () => {
    const url = source.on("/loop", (_, response) => response.writeHead(302, { location: "/loop" }).end());
    await assert.rejects(fetchFrom(url), { type: "CRAWL_UNREACHABLE", message: /redirect count exceeded/ });
    assert.ok((source.requests.get("/loop") ?? 0) <= 21);
  });

  for (const [code, retryable] of [
    [500, true],
    [429, true],
    [404, false],
  ] as const) {
    it(`answers ${code} are failures with their number, ${retryable ? "" : "not "}to be retried`, async () => {
      const url = source.on(`/${code}`, status(code));
      const error = {
        type: "CRAWL_BAD_STATUS",
        message: `任务：请求链接（${url}）失败, 状态码为：${code}`,
        retryable,
      };
      await assert.rejects(fetchFrom(url), error);
    });
  }

  it("waits no longer than its limit, for the response and for its end", async () => {
    const late = { type: "CRAWL_TIMEOUT", retryable: true, message: /did not answer within 60 ms/ };
    await assert.rejects(
      fetchFrom(
        source.on("/silent", () => {}),
        60,
      ),
      late,
    );
    await assert.rejects(
      fetchFrom(
        source.on("/stalls", (_, response) => response.write("{")),
        60,
      ),
      late,
    );
  });

  it("refuses more than 5 MB", async () => {
    const large = source.on("/large", (_, response) => response.end("x".repeat(PAGE_MAX_BYTES + 1)));
    await assert.rejects(fetchFrom(large), { type: "CRAWL_TOO_LARGE" });
    const full = source.on("/full", (_, response) => response.end("x".repeat(PAGE_MAX_BYTES)));
    assert.equal((await fetchFrom(full)).length, PAGE_MAX_BYTES);
  });

  it("states why a source is unreachable, without the secrets of its URL", async () => {
    const secret = (error: Error) => !error.message.includes("hunter2");
    const refused = (error: Error & { type: string }) =>
      error.type === "CRAWL_UNREACHABLE" && /ECONNREFUSED/.test(error.message) && secret(error);
    const port = await closedPort();
    await assert.rejects(fetchFrom(`http://127.0.0.1:${port}/list?key=hunter2`), refused);
    await assert.rejects(fetchFrom(`http://localhost:${port}/list?key=hunter2`), refused);
    const url = source.on("/cut?key=hunter2", ({ socket }) => socket.destroy());
    await assert.rejects(fetchFrom(url), (error: Error & { type: string }) => {
      return error.type === "CRAWL_UNREACHABLE" && secret(error);
    });
  });
});

/** A port without a listener: it was ours a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
