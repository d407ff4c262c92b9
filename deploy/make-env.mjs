// Writes deploy/.env with random passwords for compose.yaml; refuses to replace a file that is there, since the volumes
// keep the passwords of their first start.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL(".env", import.meta.url));
const password = () => randomBytes(24).toString("base64url");
const lines = ["NATS_PASSWORD", "MONGO_PASSWORD", "POSTGRES_PASSWORD"].map(
  (name) => `${name}=${password()}\n`,
);
try {
  writeFileSync(file, lines.join(""), { mode: 0o600, flag: "wx" });
  console.log(`${file} has passwords for compose.yaml`);
} catch (error) {
  if (error.code !== "EEXIST") throw error;
  console.error(`${file} exists; delete it and the volumes to begin again`);
  process.exitCode = 1;
}
