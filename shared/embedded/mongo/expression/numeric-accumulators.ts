import { addNumbers, divideNumbers, fitsInt64 } from "../bson/arithmetic.ts";
import { Decimal128 } from "../bson/decimal.ts";
import { type BsonNumber, isNumber, numericRank, toDouble } from "../bson/number.ts";
import { type BsonValue, doubleOf, isInt32 } from "../bson/values.ts";
import type { Maybe } from "./operator.ts";

/** Accumulates values one by one and returns the result at the end. */
export interface Accumulator {
  add(value: Maybe): void;
  result(): Maybe;
}

/** Sums exactly: integers as integers, doubles with compensation, decimals as decimals. */
export class Sum implements Accumulator {
  #integers = 0;
  #large = 0n;
  #double = 0;
  #compensation = 0;
  #decimal: BsonNumber | undefined;
  #rank = 0;
  count = 0;

  add(value: Maybe): void {
    if (!isNumber(value)) return;
    this.count++;
    const rank = numericRank(value);
    if (rank > this.#rank) this.#rank = rank;
    if (rank === 0) this.#addInt(value as number);
    else if (rank === 1) this.#large += value as bigint;
    else if (rank === 2) this.#addDouble(toDouble(value));
    else this.#decimal = this.#decimal === undefined ? value : addNumbers(this.#decimal, value);
  }

  #addInt(value: number): void {
    this.#integers += value;
    if (!Number.isSafeInteger(this.#integers)) {
      this.#large += BigInt(this.#integers - value) + BigInt(value);
      this.#integers = 0;
    }
  }

  /** Neumaier's compensated summation, so that the result does not depend on the order of documents. */
  #addDouble(value: number): void {
    const sum = this.#double + value;
    if (Number.isFinite(sum)) {
      const [larger, smaller] =
        Math.abs(this.#double) >= Math.abs(value) ? [this.#double, value] : [value, this.#double];
      this.#compensation += larger - sum + smaller;
    } else this.#compensation = 0;
    this.#double = sum;
  }

  result(): BsonNumber {
    const whole = this.#large + BigInt(this.#integers);
    if (this.#decimal !== undefined) {
      const exact =
        this.#rank >= 2
          ? addNumbers(this.#decimal, doubleOf(this.#double + this.#compensation))
          : this.#decimal;
      return addNumbers(
        this.#double === 0 ? this.#decimal : exact,
        fitsInt64(whole) ? whole : doubleOf(Number(whole)),
      );
    }
    if (this.#rank === 2) return doubleOf(this.#double + (Number(whole) + this.#compensation));
    if (this.#rank === 1) return fitsInt64(whole) ? whole : doubleOf(Number(whole));
    return isInt32(Number(whole)) ? Number(whole) : whole;
  }
}

export class Average implements Accumulator {
  readonly #sum = new Sum();
  add(value: Maybe): void {
    this.#sum.add(value);
  }
  result(): BsonValue {
    if (this.#sum.count === 0) return null;
    const total = this.#sum.result();
    if (total instanceof Decimal128) return divideNumbers(total, this.#sum.count);
    return doubleOf(toDouble(total) / this.#sum.count);
  }
}

/** Welford's running variance. */
export class StandardDeviation implements Accumulator {
  readonly #isSample: boolean;
  #count = 0;
  #mean = 0;
  #squares = 0;
  constructor(isSample: boolean) {
    this.#isSample = isSample;
  }
  add(value: Maybe): void {
    if (!isNumber(value)) return;
    const double = toDouble(value);
    this.#count++;
    const delta = double - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (double - this.#mean);
  }
  result(): BsonValue {
    const divisor = this.#isSample ? this.#count - 1 : this.#count;
    if (divisor <= 0) return null;
    const variance = this.#squares / divisor;
    return Number.isFinite(variance) ? doubleOf(Math.sqrt(variance)) : null;
  }
}
