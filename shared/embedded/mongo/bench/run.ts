import { hardware, print } from "./distribution.ts";
import { runMongoBench } from "./mongo.ts";

print(`the embedded MongoDB server on ${hardware()}`);
await runMongoBench();
