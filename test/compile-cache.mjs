// Preloaded by `npm test`, which runs each file in a process of its own: compiled code and stripped types are kept for
// the next process. Those that a test starts inherit the cache.
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");
enableCompileCache();
