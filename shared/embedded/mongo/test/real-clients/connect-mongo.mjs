import { promisify } from "node:util";
import MongoStore from "connect-mongo";

const store = MongoStore.create({ mongoUrl: process.argv[2], dbName: "web", ttl: 100 });
const call = (name, ...args) => promisify(store[name].bind(store))(...args);
await call("set", "first", { cookie: { maxAge: 1000 }, user: 5 });
console.log(`session: ${JSON.stringify(await call("get", "first"))}`);
await call("touch", "first", { cookie: {} });
await call("destroy", "first");
console.log(`destroyed: ${await call("get", "first")}`);
await store.close();
