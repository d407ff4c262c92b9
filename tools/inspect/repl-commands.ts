import type { ServiceBroker } from "moleculer";
import { errorMessage } from "../../shared/errors.ts";
import { withDatabase } from "../reach-store.ts";
import type { Inspection } from "./inspection.ts";
import { inspections, limitOf, render } from "./inspections.ts";

/** What moleculer-repl passes to a command: its options, and its operands by name. Moleculer's type is outdated. */
interface ReplInput {
  readonly id?: string;
  readonly options: { readonly json?: boolean; readonly limit?: string | number };
}

interface ReplCommand {
  readonly command: string;
  readonly description: string;
  readonly options: { option: string; description: string }[];
  action(broker: Pick<ServiceBroker, "config">, input: unknown): Promise<void>;
}

/** The `replOptions` of a broker: the same commands as `npm run kinit -- due` and so on, in Moleculer's REPL. */
export const replOptions = {
  customCommands: inspections.map((inspection) => replCommand(inspection)),
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Reports errors instead of throwing: the REPL would show their stacks. */
function replCommand(inspection: Inspection): ReplCommand {
  const { name, summary, takesId, defaultLimit } = inspection;
  return {
    command: takesId ? `${name} <id>` : name,
    description: summary,
    options: [
      { option: "--json", description: "one JSON document instead of text" },
      ...(defaultLimit === null
        ? []
        : [{ option: "--limit <n>", description: `rows to show, ${defaultLimit} by default; 0: all` }]),
    ],
    async action({ config }, input) {
      const { id = "", options } = input as ReplInput;
      const { json = false, limit } = options;
      try {
        const request = { id, limit: limitOf(limit, inspection), now: Date.now() };
        const inspected = await withDatabase(config, (db) => inspection.inspect(db, request));
        print(render(inspected, { json }));
      } catch (error) {
        print(errorMessage(error));
      }
    },
  };
}
