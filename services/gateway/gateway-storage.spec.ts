import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../../test/eventually.ts";
import { backendServices } from "./backend-services.fixture.ts";
import { type RunningGateway, runGateway, send, sendRaw } from "./gateway.fixture.ts";
import { GIF, MP4, PNG, WAV } from "./upload-files.fixture.ts";

const { schemas: services } = backendServices();
describe("storage", () => {
  let gateway: RunningGateway;
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "kinit-storage-"));
    gateway = await runGateway({ services, config: { dataDir, timezone: "Asia/Shanghai" } });
  });
  after(async () => {
    await gateway?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const form = (
    content: Buffer,
    { name = "a.png", type = "image/png", field = "file" } = {},
  ): RequestInit => {
    const body = new FormData();
    body.append(field, new Blob([new Uint8Array(content)], { type }), name);
    return { body };
  };
  const upload = async (path: string, init: RequestInit, to = gateway) => {
    const { status, text } = await send(to, `POST /system/storage/${path}/create`, init);
    assert.equal(status, 200, text);
    return JSON.parse(text) as { code: number; message: string; data: unknown };
  };
  const stored = async () => {
    const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  };

  describe("stores a file and returns its URL in message", () => {
    for (const [path, content, pattern, contentType] of [
      ["local/image", PNG, /^\/media\/image\/[\da-f]{32}\.png$/, "image/png"],
      ["local/image", GIF, /^\/media\/image\/[\da-f]{32}\.gif$/, "image/gif"],
      ["local/audio", WAV, /^\/media\/audio\/\d{10}\/[\da-f]{32}\.wav$/, "audio/wav"],
      ["local/video", MP4, /^\/media\/video\/\d{10}\/[\da-f]{32}\.mp4$/, "video/mp4"],
      ["local", WAV, /^\/media\/\d{10}\/[\da-f]{32}\.wav$/, "audio/wav"],
    ] as const) {
      it(`${path}: ${contentType}`, async () => {
        const { code, message, data } = await upload(path, form(content));
        assert.deepEqual([code, data], [200, null]);
        assert.match(message, pattern);
        const response = await fetch(gateway.origin + message);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), contentType);
        assert.equal(response.headers.get("x-content-type-options"), "nosniff");
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), content);
      });
    }

    it("in a folder of the day, in TIMEZONE", async () => {
      const { message } = await upload("local", form(PNG));
      const seconds = Number(message.split("/")[2]);
      assert.equal((seconds + 8 * 3600) % 86_400, 0);
      assert.ok(Math.abs(Date.now() / 1000 - seconds) <= 86_400 + 60);
    });

    it("temporary images: by their name, and they are not served", async () => {
      const { message } = await upload("temp/image", form(PNG));
      assert.match(message, /^\d{10}\/[\da-f]{32}\.png$/);
      assert.deepEqual(await readFile(join(dataDir, "temp", message)), PNG);
      assert.equal((await send(gateway, `GET /media/${message}`)).status, 404);
    });
  });

  describe("rejects in the original's words, and leaves nothing behind", () => {
    const rejected = async (path: string, init: RequestInit) => {
      const before = await stored();
      const { code, message } = await upload(path, init);
      assert.equal(code, 400);
      assert.deepEqual(await stored(), before);
      return message;
    };
    it("a file whose content is another type than its name and its content type state", async () => {
      const html = Buffer.from("<html><script>alert(1)</script></html>");
      assert.equal(
        await rejected("local/image", form(html)),
        "上传文件格式错误，只支持 image/png,image/jpeg,image/gif,image/x-icon 格式!",
      );
      assert.match(await rejected("local/image", form(MP4)), /^上传文件格式错误/);
      assert.match(await rejected("local", form(Buffer.from("%PDF-1.4\n%abc"))), /^上传文件格式错误/);
      assert.match(await rejected("temp/image", form(Buffer.alloc(0))), /^上传文件格式错误/);
    });
    it("a file that is too large, with and without a length", async () => {
      const large = Buffer.concat([PNG, Buffer.alloc(10_485_761 - PNG.length)]);
      assert.equal(await rejected("local/image", form(large)), "上传文件过大，不能超过10MB");
      const { body } = form(large);
      const request = new Request("http://localhost", { method: "POST", body: body as FormData });
      const type = request.headers.get("content-type") ?? "";
      const chunked = { body: request.body, duplex: "half", headers: { "content-type": type } };
      assert.equal(await rejected("local/image", chunked as RequestInit), "上传文件过大，不能超过10MB");
      const fits = Buffer.concat([PNG, Buffer.alloc(10_485_760 - PNG.length)]);
      assert.equal((await upload("local/image", form(fits))).code, 200);
    });
    it("a request without the part file, or without multipart", async () => {
      assert.equal(await rejected("local/image", form(PNG, { field: "other" })), "Field required");
      assert.equal(await rejected("local/image", { body: "x" }), "Field required");
      const cut = { body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nabc' };
      const headers = { "content-type": "multipart/form-data; boundary=x" };
      assert.match(await rejected("local/image", { ...cut, headers }), /^上传内容无法读取/);
    });
    it("an upload to a storage that is not enabled", async () => {
      const own = await runGateway({ services, config: { dataDir, localEnable: false } });
      try {
        assert.equal((await upload("local/image", form(PNG), own)).message, "未启用存储：local");
        assert.equal((await upload("temp/image", form(PNG), own)).code, 200);
      } finally {
        await own.stop();
      }
    });
  });

  it("takes nothing of the name that the client gives", async () => {
    for (const name of [
      "../../../etc/passwd.png",
      "..\\..\\a.png",
      "a.png%00.html",
      "/etc/cron.d/a",
      "a.php",
    ]) {
      const { message } = await upload("local/image", form(PNG, { name }));
      assert.match(message, /^\/media\/image\/[\da-f]{32}\.png$/);
    }
    const folders = new Set((await stored()).map((path) => path.slice(dataDir.length).split("/")[1]));
    assert.deepEqual([...folders].sort(), ["media", "temp"]);
  });

  it("deletes temporary files by their age, and what interrupted uploads left", async () => {
    const own = await mkdtemp(join(tmpdir(), "kinit-storage-age-"));
    const aged = await runGateway({ services, config: { dataDir: own, tempMaxAgeMs: 400 } });
    try {
      const kept = await upload("local/image", form(PNG), aged);
      const left = join(own, "media", ".incoming", "left");
      await writeFile(left, "x");
      await utimes(left, 0, 0);
      const { message } = await upload("temp/image", form(PNG), aged);
      const entries = async (path: string) =>
        (await readdir(join(own, path))).filter((name) => name !== ".incoming");
      await eventually(async () => !(await entries("temp")).includes(message.split("/")[0] as string));
      await eventually(async () => (await readdir(join(own, "media", ".incoming"))).length === 0);
      assert.equal((await send(aged, `GET ${kept.message}`)).status, 200);
    } finally {
      await aged.stop();
      await rm(own, { recursive: true, force: true });
    }
  });

  describe("/media", () => {
    let url: string;
    before(async () => {
      url = (await upload("local/image", form(PNG))).message;
    });
    const get = (headers: Record<string, string>, method = "GET") =>
      fetch(gateway.origin + url, { method, headers });

    it("serves single ranges", async () => {
      for (const [range, expected, contentRange] of [
        ["bytes=0-3", PNG.subarray(0, 4), `bytes 0-3/${PNG.length}`],
        ["bytes=4-", PNG.subarray(4), `bytes 4-${PNG.length - 1}/${PNG.length}`],
        ["bytes=-2", PNG.subarray(-2), `bytes ${PNG.length - 2}-${PNG.length - 1}/${PNG.length}`],
      ] as const) {
        const response = await get({ range });
        assert.equal(response.status, 206, range);
        assert.equal(response.headers.get("content-range"), contentRange);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(expected));
      }
      const beyond = await get({ range: "bytes=1000-" });
      assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, `bytes */${PNG.length}`]);
      assert.equal((await get({ range: "bytes=0-1,3-4" })).status, 200);
    });

    it("returns 304 for a known ETag, and honours If-Range", async () => {
      const etag = (await get({})).headers.get("etag") ?? "";
      assert.equal((await get({ "if-none-match": etag })).status, 304);
      assert.equal((await get({ range: "bytes=0-1", "if-range": etag })).status, 206);
      assert.equal((await get({ range: "bytes=0-1", "if-range": '"other"' })).status, 200);
    });

    it("responds to HEAD without a body", async () => {
      const response = await get({}, "HEAD");
      assert.equal(response.headers.get("content-length"), String(PNG.length));
      assert.equal((await response.arrayBuffer()).byteLength, 0);
    });

    it("serves no directory, no other file and no link", async () => {
      const secret = join(dataDir, "secret");
      await writeFile(secret, "secret");
      const name = `${"a".repeat(32)}.png`;
      await symlink(secret, join(dataDir, "media", "image", name));
      for (const path of [
        "/media/",
        "/media/image/",
        "/media/image",
        "/media/../secret",
        "/media/image/../../secret",
        "/media/%2e%2e/secret",
        "/media/image/..%2f..%2fsecret",
        "/media//etc/passwd",
        "/media/.incoming/x",
        `/media/image/${name}`,
        `/media/image/${"b".repeat(32)}.png`,
        "/media/image/%00",
      ]) {
        const { status, text } = await sendRaw(gateway, `GET ${path}`, { headers: {} });
        assert.equal(status, 404, path);
        assert.doesNotMatch(text, /secret/);
      }
      assert.equal((await send(gateway, `POST ${url}`)).status, 404);
    });
  });
});
