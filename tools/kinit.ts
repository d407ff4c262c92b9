import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig } from "../shared/config.ts";
import { printsHelp, readOptions, UsageFault } from "./command-line.ts";
import { inspectCommand } from "./inspect/inspect-command.ts";
import { inspectionNamed, inspections, usageOf } from "./inspect/inspections.ts";
import { failCommand } from "./run-until-stopped.ts";
import { whenUnread } from "./unread-output.ts";

const USAGE = `Usage: npm run kinit -- <command>
  mongo --dir DIR [--port P]     the embedded MongoDB server for the processes of this machine
  mongo dump --out FILE          a backup, as Extended JSON lines
  mongo restore --in FILE        reads a backup into an empty store
  migrate                        prepares MongoDB and PostgreSQL for this version, before a roll-out
  replay                         rebuilds the read models from the events, next to the current ones
  replay --check                 compares the read models with the events and prints each difference
${inspections.map((inspection) => `  ${inspection.name} ${usageOf(inspection)}`.padEnd(33) + inspection.summary).join("\n")}
  client [--out FILE]            prints a TypeScript client of the HTTP API, or writes it to a file
  docs                           writes .env.example and docs/events.md
More: npm run kinit -- mongo --help, npm run kinit -- stream --help, and so on`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

async function run([command, ...rest]: readonly string[]): Promise<void> {
  if (command === "mongo") {
    const { runMongoCommand } = await import("./mongo-command.ts");
    return runMongoCommand(rest);
  }
  const inspection = inspectionNamed(command);
  if (inspection) return inspectCommand(inspection, rest, { loadConfig, print });
  if (printsHelp([command ?? "", ...rest], USAGE)) return;
  switch (command) {
    case "replay": {
      const { check = false } = readOptions(rest, { flags: ["check"], usage: USAGE });
      const { replayCommand } = await import("./replay-command.ts");
      const isSame = await replayCommand(loadConfig(), { check, print });
      if (!isSame) process.exitCode = 1;
      return;
    }
    case "migrate": {
      readOptions(rest, { usage: USAGE });
      const { migrateCommand } = await import("./migrate-command.ts");
      return migrateCommand(loadConfig(), print);
    }
    case "client": {
      const { out } = readOptions(rest, { texts: ["out"], usage: USAGE });
      const { clientCommand } = await import("./client/client-command.ts");
      return clientCommand(out, print);
    }
    case "docs":
      readOptions(rest, { usage: USAGE });
      return writeDocs();
    case undefined:
      throw new UsageFault("No command is named.", USAGE);
    default:
      throw new UsageFault(`There is no command '${command}'.`, USAGE);
  }
}

async function writeDocs(): Promise<void> {
  const { generatedFiles } = await import("./generated-files.ts");
  for (const [file, generate] of Object.entries(generatedFiles)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, generate());
    print(file);
  }
}

whenUnread(() => process.exit(0));
run(process.argv.slice(2)).catch(failCommand);
