import { MongoBackend } from "@agendajs/mongo-backend";
import { Agenda } from "agenda";

const address = process.argv[2].replace("/?", "/agenda?");
const agenda = new Agenda({ backend: new MongoBackend({ address }), processEvery: 200 });
const runs = Promise.withResolvers();
let left = 2;
agenda.define("greet", async ({ attrs }) => {
  console.log(`ran: ${attrs.data.name}`);
  left -= 1;
  if (left === 0) runs.resolve();
});
await agenda.start();
await agenda.now("greet", { name: "now" });
await agenda.schedule("in 1 second", "greet", { name: "later" });
await runs.promise;
await agenda.every("5 minutes", "greet", { name: "repeated" });
const { jobs } = await agenda.queryJobs({});
console.log(`jobs: ${jobs.length}`);
await agenda.stop();
process.exit(0);
