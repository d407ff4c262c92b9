import { busContract } from "./contract.ts";
import { openJetStream } from "./jetstream-under-test.ts";

busContract({ name: "jetstream", open: openJetStream });
