import "./tools/env-file.mjs";
import { runnerOptions } from "./tools/runner-options.ts";

/** The configuration for `npx moleculer-runner -c moleculer.config.ts services`. */
export default runnerOptions;
