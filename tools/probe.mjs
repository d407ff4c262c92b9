// The health check of the container image: exits with 0 if this process is ready, else with 1. Plain JavaScript, so that
// it starts quickly: the engine runs it every few seconds.
import { get } from "node:http";

const { HEALTH_PORT = "9090" } = process.env;
const request = get({ host: "127.0.0.1", port: HEALTH_PORT, path: "/ready", timeout: 4000 }, (response) => {
  process.exitCode = response.statusCode === 200 ? 0 : 1;
  response.pipe(process.stdout);
});
request.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
request.on("timeout", () => request.destroy(new Error("no response within 4 s")));
