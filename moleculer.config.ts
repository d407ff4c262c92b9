import "./tools/env-file.mjs";
import { runnerOptions } from "./tools/runner-options.ts";

/** For `moleculer-runner -c moleculer.config.ts services`. */
export default runnerOptions;
