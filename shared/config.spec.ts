import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Config, type InvalidConfig, readConfig, withEmbeddedStore } from "./config.ts";
import { settings } from "./settings.ts";

describe("the configuration", () => {
  it("has a default for every setting", () => {
    const config = readConfig({});
    assert.equal(config.serverPort, 9000);
    assert.equal(config.serverHost, "127.0.0.1");
    assert.equal(config.timezone, "Asia/Shanghai");
  });

  it("reads what is set and treats an empty value as not set", () => {
    const config = readConfig({
      SERVER_PORT: "8080",
      TASK_ENABLE: "no",
      TIMEZONE: "Europe/Berlin",
      LOG_LEVEL: "",
    });
    assert.deepEqual(
      [config.serverPort, config.taskEnable, config.timezone, config.logLevel],
      [8080, false, "Europe/Berlin", "info"],
    );
  });

  it("reports every fault and what is expected, without the value", () => {
    const faulty = {
      SERVER_PORT: "hunter2",
      TASK_ENABLE: "perhaps",
      TIMEZONE: "Mars/Olympus",
      LOG_LEVEL: "loud",
    };
    assert.throws(
      () => readConfig(faulty),
      (error: InvalidConfig) => {
        assert.equal(error.type, "CONFIG_INVALID");
        for (const variable of Object.keys(faulty)) assert.ok(error.message.includes(variable), variable);
        assert.match(error.message, /whole number from 0 to 65535/);
        assert.ok(!error.message.includes("hunter2"));
        return true;
      },
    );
  });

  it("reads lists separated by commas, in lower case", () => {
    const { serverNames, allowedOrigins } = readConfig({
      SERVER_NAMES: "Tasks.example.org, .internal,[fd00::7],*,",
      ALLOWED_ORIGINS: "https://console.example.org:8443 , null,chrome-extension://abc",
    });
    assert.deepEqual(serverNames, ["tasks.example.org", ".internal", "[fd00::7]", "*"]);
    assert.deepEqual(allowedOrigins, ["https://console.example.org:8443", "null", "chrome-extension://abc"]);
    for (const [variable, value] of [
      ["SERVER_NAMES", "https://tasks.example.org"],
      ["SERVER_NAMES", "tasks.example.org:9000"],
      ["ALLOWED_ORIGINS", "console.example.org"],
      ["ALLOWED_ORIGINS", "https://console.example.org/"],
    ] as const) {
      assert.throws(() => readConfig({ [variable]: value }), { type: "CONFIG_INVALID" }, value);
    }
  });

  it("reads secrets from files, and only secrets", (test) => {
    const directory = mkdtempSync(join(tmpdir(), "kinit-config-"));
    test.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "mongo-url");
    writeFileSync(file, "mongodb://user:hunter2@db/kinit\n");
    const config = readConfig({ MONGO_DB_URL_FILE: file, SERVER_HOST_FILE: file });
    assert.equal(config.mongoUrl, "mongodb://user:hunter2@db/kinit");
    assert.equal(config.serverHost, "127.0.0.1");
    const rejects = (environment: Record<string, string>, fault: RegExp) =>
      assert.throws(
        () => readConfig(environment),
        (error: InvalidConfig) => {
          assert.match(error.message, fault);
          assert.ok(!error.message.includes("hunter2"));
          return error.type === "CONFIG_INVALID";
        },
      );
    const absent = { MONGO_DB_URL_FILE: join(directory, "absent") };
    rejects(absent, /MONGO_DB_URL cannot be read from the file of MONGO_DB_URL_FILE: ENOENT/);
    rejects({ MONGO_DB_URL_FILE: file, MONGO_DB_URL: "mongodb://db" }, /MONGO_DB_URL is set, and so is/);
    writeFileSync(file, "\n");
    rejects({ MONGO_DB_URL_FILE: file }, /MONGO_DB_URL is empty/);
  });

  it("cannot be changed", () => {
    assert.ok(Object.isFrozen(readConfig({})));
    assert.ok(Object.isFrozen(withEmbeddedStore(readConfig({}), "mongodb://here")));
  });

  it("purges nothing by default, except in the embedded store", () => {
    const boundsOf = ({ recordsMaxAgeMs, recordsMaxPerTask, crawlerMaxAgeMs }: Config) => [
      recordsMaxAgeMs,
      recordsMaxPerTask,
      crawlerMaxAgeMs,
    ];
    const [unset, set] = [readConfig({}), readConfig({ RECORDS_MAX_AGE_MS: "0", RECORDS_MAX_PER_TASK: "7" })];
    assert.deepEqual(boundsOf(unset), [null, null, null]);
    assert.deepEqual(
      boundsOf(withEmbeddedStore(unset, "mongodb://here")),
      [2_592_000_000, 1000, 2_592_000_000],
    );
    assert.deepEqual(boundsOf(withEmbeddedStore(set, "mongodb://here")), [0, 7, 2_592_000_000]);
  });

  it("has no variable that Moleculer reads as its own", () => {
    const taken = ["METRICS", "TRACING", "LOGGER", "NAMESPACE", "TRANSPORTER", "CACHER"];
    for (const { variable } of Object.values(settings)) assert.ok(!taken.includes(variable), variable);
  });
});
