import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { betweenFolders, cyclesOf, type Edge, filesOf, importsOf } from "./import-graph.ts";

/** Every import of our own code, without tests and their fixtures. */
const sources = filesOf("{shared,services,migrations,tools}/**/*.ts").filter(
  (file) => !/\.(spec|fixture)\.ts$/.test(file),
);
const edges = importsOf(sources);

const broken = (isBroken: (edge: Edge) => boolean): string[] =>
  edges.filter(isBroken).map(({ from, to }) => `${from} -> ${to}`);
const serviceOf = (file: string): string | undefined => /^services\/([^/]+)\//.exec(file)?.[1];
/** The embedded server without its tests, bench and tools, which use it from outside. */
const EMBEDDED = /^shared\/embedded\/mongo\/(?!(test|bench|tools)\/)/;
const isInPackage = (file: string): boolean => file.startsWith("shared/embedded/mongo/");
/** The service that a file belongs to, or the embedded server: the folders of each have one direction. */
const unitOf = (file: string): string | undefined =>
  EMBEDDED.test(file) ? "embedded-mongo" : serviceOf(file);

const DRIVERS = /^(mongodb|nats|pg|@electric-sql\/pglite|@mikro-orm\/.*)$/;
/** Adapters are named after their technology. */
const ADAPTER = /(^|\/)(mongo|orm|jetstream|http|open)-[^/]*\.ts$/;
/** Files without technology: neither adapters nor services, document types or composition. */
const DOMAIN = [
  /^services\/scheduler\/(trigger|task)\//,
  /^services\/records\/record\/(record|run|waiting-runs)\.ts$/,
  /^services\/crawler\/hotlist(-crawls)?\.ts$/,
  /^services\/executor\/attempt\/(attempt-(events|state)|outcome|run-log|size-limits)\.ts$/,
  /^services\/executor\/(handler\/(describe-rule|handler-params)|start\/start-rate)\.ts$/,
  /^services\/auth\/(row\/row|role\/role|user\/user|auth-test\/auth-test)\.ts$/,
  /^services\/auth\/(session\/session|login\/login-throttle|permission\/(granted-permissions|ready-made-roles)|password\/password-strength)\.ts$/,
  /^shared\/bus\/(delivery\/(deliver-batch|recent-ids)|jetstream\/purge-point)\.ts$/,
];
const isDomain = (file: string) => DOMAIN.some((pattern) => pattern.test(file));

describe("imports", () => {
  it("are found", () => {
    assert.ok(edges.length > 300, `only ${edges.length} imports found`);
    assert.ok(
      edges.some(
        ({ from, to }) => from.startsWith("services/scheduler/") && to.startsWith("shared/contracts/"),
      ),
    );
    assert.ok(edges.some(({ to }) => to === "mongodb"));
    assert.ok(sources.some(isDomain));
  });

  it("of contracts stay within contracts, errors and the validator", () => {
    const allowed = /^(shared\/contracts\/|shared\/errors\.ts$|fastest-validator$|node:crypto$)/;
    assert.deepEqual(
      broken(({ from, to }) => from.startsWith("shared/contracts/") && !allowed.test(to)),
      [],
    );
  });

  it("of shared code name no service", () => {
    assert.deepEqual(
      broken(({ from, to }) => from.startsWith("shared/") && to.startsWith("services/")),
      [],
    );
  });

  it("of a service name no other service", () => {
    const crosses = ({ from, to }: Edge) => {
      const [here, there] = [serviceOf(from), serviceOf(to)];
      return here !== undefined && there !== undefined && here !== there;
    };
    assert.deepEqual(broken(crosses), []);
  });

  it("of domain files stay within contracts, deciders, errors and other domain files", () => {
    const allowed = /^(shared\/contracts\/|shared\/errors\.ts$|shared\/event-store\/decider\.ts$)/;
    const leaves = ({ from, to }: Edge) => isDomain(from) && !allowed.test(to) && !isDomain(to);
    assert.deepEqual(broken(leaves), []);
  });

  it("of drivers are in adapters and composition only", () => {
    const composition = /^(shared\/(event-store|bus|embedded)\/|migrations\/|tools\/)/;
    const document = /-(document|entity)\.ts$/;
    const leaks = ({ from, to }: Edge) =>
      DRIVERS.test(to) && !ADAPTER.test(from) && !composition.test(from) && !document.test(from);
    assert.deepEqual(broken(leaks), []);
  });

  it("form no cycle between files", () => {
    const all = importsOf(filesOf("{shared,services,migrations,tools,test}/**/*.ts"));
    assert.deepEqual(cyclesOf(all), []);
  });

  it("form no cycle between the folders of a service, or of the embedded server", () => {
    const within = edges.filter(({ from, to }) => unitOf(from) && unitOf(from) === unitOf(to));
    assert.ok(within.some(({ from }) => EMBEDDED.test(from)));
    assert.deepEqual(cyclesOf(betweenFolders(within)), []);
  });

  it("of a folder name no file of the folder that contains it", () => {
    const reachesUp = ({ from, to }: Edge) =>
      unitOf(from) !== undefined && dirname(from).startsWith(`${dirname(to)}/`);
    assert.deepEqual(broken(reachesUp), []);
  });

  it("of the embedded server stay in its package, whose one dependency is luxon", () => {
    const leaves = ({ from, to }: Edge) =>
      EMBEDDED.test(from) && !isInPackage(to) && !to.startsWith("node:") && to !== "luxon";
    assert.deepEqual(broken(leaves), []);
  });

  it("of its tools, bench and tests add only the driver", () => {
    const all = importsOf(filesOf("shared/embedded/mongo/**/*.ts"));
    const others = all.filter(({ from, to }) => isInPackage(from) && !isInPackage(to));
    const packages = new Set(others.map(({ to }) => to).filter((to) => !to.startsWith("node:")));
    assert.deepEqual([...packages].sort(), ["luxon", "mongodb"]);
  });

  it("from outside use the exports of the embedded server", () => {
    const everywhere = importsOf(filesOf("{shared,services,migrations,tools,test}/**/*.ts"));
    const bypasses = everywhere.filter(({ from, to }) => !isInPackage(from) && isInPackage(to));
    assert.deepEqual(bypasses, []);
  });

  it("in a cycle of any length are found, and no others", () => {
    const chain = ["a -> b", "b -> c", "c -> d", "d -> b", "c -> e"].map((edge) => {
      const [from = "", to = ""] = edge.split(" -> ");
      return { from, to };
    });
    assert.deepEqual(cyclesOf(chain), ["b -> c", "c -> d", "d -> b"]);
  });

  it("name no barrel", () => {
    assert.deepEqual(
      sources.filter((file) => file.endsWith("/index.ts")),
      [],
    );
  });
});

describe("the environment and the clock", () => {
  const naming = (pattern: RegExp, files: readonly string[]) =>
    files.filter((file) => pattern.test(readFileSync(file, "utf8")));

  it("only the configuration reads process.env", () => {
    assert.deepEqual(naming(/process\.env\b/, sources), ["shared/config.ts"]);
  });

  it("domain files read no clock, random number or process state", () => {
    const pattern = /Date\.now\(|new Date\(\)|Math\.random\(|\bprocess\.|performance\.now/;
    assert.deepEqual(naming(pattern, sources.filter(isDomain)), []);
  });

  it("no file is named utils, helpers, common or types", () => {
    assert.deepEqual(
      sources.filter((file) => /\/(utils|helpers|common|types)\.ts$/.test(file)),
      [],
    );
  });
});

describe("the languages", () => {
  /** Data of the Python original that services store or return: results, texts of its hot list, examples of them. */
  const ORIGINAL_DATA = [
    "services/crawler/hotlist.ts",
    "services/crawler/http-page-fetcher.ts",
    "services/executor/handlers/bilibili-hot-new.ts",
    "services/executor/handlers/demonstration.ts",
    "shared/contracts/run-events.ts",
  ];

  it("of clients are in the gateway alone", () => {
    const chinese = sources.filter((file) => /\p{Script=Han}/u.test(readFileSync(file, "utf8")));
    const elsewhere = chinese.filter((file) => !file.startsWith("services/gateway/"));
    assert.deepEqual(elsewhere.sort(), ORIGINAL_DATA);
  });

  it("of the gateway are in its texts", () => {
    const inGateway = sources.filter((file) => file.startsWith("services/gateway/"));
    const chinese = inGateway.filter((file) => /\p{Script=Han}/u.test(readFileSync(file, "utf8")));
    assert.deepEqual(
      chinese.filter((file) => !file.startsWith("services/gateway/texts/")),
      ["services/gateway/wire/hotlist-wire.ts"],
    );
  });
});
