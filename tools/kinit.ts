import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig } from "../shared/config.ts";
import { AppError } from "../shared/errors.ts";
import { generatedFiles } from "./generated-files.ts";
import { runMongoCommand } from "./mongo-command.ts";
import { readReplayArguments, replayCommand } from "./replay-command.ts";
import { failCommand } from "./run-until-stopped.ts";

const USAGE = `Usage: npm run kinit -- <command>
  mongo --dir D --port P [--sync full|normal]   the embedded MongoDB server for the processes of this machine
  mongo dump --url U --out FILE [--db D]        all data as Extended JSON lines
  mongo restore --url U --in FILE               and back
  replay                                        make the read models anew beside the old ones
  replay --check                                compare them with the events, name each difference
  docs                                          write .env.example and docs/events.md`;

const print = (line: string) => void process.stdout.write(`${line}\n`);

async function run([command, ...rest]: readonly string[]): Promise<void> {
  switch (command) {
    case "mongo":
      return runMongoCommand([...rest]);
    case "replay": {
      const isSame = await replayCommand(loadConfig(), { ...readReplayArguments(rest), print });
      if (!isSame) process.exitCode = 1;
      return;
    }
    case "docs":
      for (const [file, generate] of Object.entries(generatedFiles)) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, generate());
        print(file);
      }
      return;
    default:
      throw new AppError(USAGE, { type: "USAGE", code: 400 });
  }
}

run(process.argv.slice(2)).catch(failCommand);
