import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { backendServices, TASK, taskBody } from "../../services/gateway/backend-services.fixture.ts";
import { type RunningGateway, runGateway } from "../../services/gateway/gateway.fixture.ts";
import { clientCommand } from "./client-command.ts";

const run = promisify(execFile);

/** Uses of the client that compile, and others that the compiler has to reject. */
const USES = `
import { type Client, kinitClient, type Task } from "./client.ts";
const client: Client = kinitClient({ baseUrl: "http://127.0.0.1:9000", token: "t" });
export async function uses(): Promise<readonly Task[]> {
  const { message } = await client("POST /scheduler/task/create", {
    name: "n", job_class: "test.main.Test", exec_strategy: "once", is_active: true,
  });
  const text: string = message;
  const { data, total } = await client("GET /scheduler/task/list/query", { limit: 5 });
  const count: number = total;
  await client("GET /scheduler/task/list/query");
  // @ts-expect-error a required parameter is missing
  await client("GET /scheduler/task/one/query");
  // @ts-expect-error the field has another type
  await client("GET /scheduler/task/one/query", { data_id: count });
  // @ts-expect-error the value is not one of the words
  await client("POST /scheduler/task/create", { name: text, job_class: "t", exec_strategy: "never", is_active: true });
  // @ts-expect-error there is no such operation
  await client("GET /nowhere");
  // @ts-expect-error a task has no such field
  data[0]?.unknown;
  return data;
}
`;

describe("the TypeScript client", () => {
  const backend = backendServices();
  let gateway: RunningGateway;
  let directory: string;
  let file: string;
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
    directory = await mkdtemp(join(tmpdir(), "kinit-client-"));
    file = join(directory, "client.ts");
    const printed: string[] = [];
    clientCommand(file, (line) => void printed.push(line));
    assert.deepEqual(printed, [file]);
  });
  after(async () => {
    await gateway.stop();
    await rm(directory, { recursive: true });
  });

  it("compiles under strict rules, and rejects wrong uses", async () => {
    const uses = join(directory, "uses.ts");
    await writeFile(uses, USES);
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--noUncheckedIndexedAccess",
      "--allowImportingTsExtensions",
    ];
    const environment = ["--target", "es2024", "--module", "nodenext", "--lib", "es2024,dom", "--types", ""];
    const { stdout } = await run("node_modules/.bin/tsc", [...options, ...environment, file, uses]).catch(
      (error: { stdout: string }) => error,
    );
    assert.equal(stdout, "");
  });

  it("sends requests and returns what they return", async () => {
    const { kinitClient } = await import(pathToFileURL(file).href);
    const client = kinitClient({ baseUrl: gateway.origin });
    const created = await client("POST /scheduler/task/create", taskBody);
    assert.equal(created.message, "Task created.");
    const { data, total } = await client("GET /scheduler/task/list/query", { page: 2 });
    assert.deepEqual([data[0].id, total], [TASK, 21]);
  });

  it("rejects with code, text and fields where the request fails", async () => {
    const { kinitClient } = await import(pathToFileURL(file).href);
    const client = kinitClient({ baseUrl: gateway.origin, language: "zh" });
    await assert.rejects(client("GET /scheduler/task/one/query", { data_id: "1" }), {
      name: "KinitError",
      status: 200,
      code: 400,
      message: "data_id 格式错误，应为 24 位十六进制字符",
    });
  });
});
