import type { Bus, BusLogger, DeadLetter } from "../../shared/bus/bus.ts";
import { batchContract } from "./contract-batches.ts";
import { deadLetterContract } from "./contract-dead-letters.ts";
import { deliveryContract } from "./contract-delivery.ts";
import { stopContract } from "./contract-stop.ts";

/** One bus in its surroundings, started, made for one test. */
export interface BusUnderTest {
  readonly bus: Bus;
  /** Another process on the same bus; for the local adapter the bus itself. */
  other(): Promise<Bus>;
  readonly deadLetters: () => Promise<DeadLetter[]>;
  /** From now on no dead letter can be stored. */
  refuseDeadLetters(): Promise<void>;
  acceptDeadLetters(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly logger: BusLogger;
  /** Room for a few events only. */
  readonly isTiny?: boolean;
}

export interface Adapter {
  readonly name: string;
  open(options: OpenOptions): Promise<BusUnderTest>;
}

/** What both adapters must do. */
export function busContract(adapter: Adapter): void {
  deliveryContract(adapter);
  batchContract(adapter);
  deadLetterContract(adapter);
  stopContract(adapter);
}
