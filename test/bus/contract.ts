import type { Adapter } from "./bus-test.ts";
import { backlogContract } from "./contract-backlogs.ts";
import { batchContract } from "./contract-batches.ts";
import { deadLetterContract } from "./contract-dead-letters.ts";
import { deliveryContract } from "./contract-delivery.ts";
import { stopContract } from "./contract-stop.ts";

/** The tests that both adapters must pass. */
export function busContract(adapter: Adapter): void {
  deliveryContract(adapter);
  batchContract(adapter);
  deadLetterContract(adapter);
  stopContract(adapter);
  backlogContract(adapter);
}
