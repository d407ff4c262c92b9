import { DECIMAL_NAN, type DecimalParts, decimalInfinity } from "./decimal.ts";

const pow10 = (power: number): bigint => 10n ** BigInt(power);
const finite = (signed: bigint, exponent: number, zeroIsNegative = false): DecimalParts => ({
  kind: "finite",
  negative: signed < 0n || (signed === 0n && zeroIsNegative),
  coefficient: signed < 0n ? -signed : signed,
  exponent,
});
const signedOf = ({ negative, coefficient }: DecimalParts): bigint => (negative ? -coefficient : coefficient);

/** Beyond this distance the smaller operand cannot change the 34 digits of a sum, only its rounding. */
const FAR = 80;

export function addParts(a: DecimalParts, b: DecimalParts): DecimalParts {
  if (a.kind === "nan" || b.kind === "nan") return DECIMAL_NAN;
  if (a.kind === "infinity") return b.kind === "infinity" && a.negative !== b.negative ? DECIMAL_NAN : a;
  if (b.kind === "infinity") return b;
  const [low, high] = a.exponent <= b.exponent ? [a, b] : [b, a];
  const distance = high.exponent - low.exponent;
  if (distance > FAR && high.coefficient !== 0n) {
    const scaled = signedOf(high) * pow10(FAR);
    const nudge = low.coefficient === 0n ? 0n : low.negative ? -1n : 1n;
    return finite(scaled + nudge, high.exponent - FAR);
  }
  const sum = (distance > FAR ? 0n : signedOf(high) * pow10(distance)) + signedOf(low);
  return finite(sum, low.exponent, a.negative && b.negative);
}

export const negateParts = (a: DecimalParts): DecimalParts => ({ ...a, negative: !a.negative });

export function multiplyParts(a: DecimalParts, b: DecimalParts): DecimalParts {
  if (a.kind === "nan" || b.kind === "nan") return DECIMAL_NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === "infinity" || b.kind === "infinity") {
    const zero =
      (a.kind === "finite" && a.coefficient === 0n) || (b.kind === "finite" && b.coefficient === 0n);
    return zero ? DECIMAL_NAN : decimalInfinity(negative);
  }
  return {
    kind: "finite",
    negative,
    coefficient: a.coefficient * b.coefficient,
    exponent: a.exponent + b.exponent,
  };
}

/** Divides to at least 34 digits; an exact quotient keeps as few digits as the operands' exponents allow. */
export function divideParts(a: DecimalParts, b: DecimalParts): DecimalParts {
  if (a.kind === "nan" || b.kind === "nan" || (a.kind === "infinity" && b.kind === "infinity"))
    return DECIMAL_NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === "infinity") return decimalInfinity(negative);
  if (b.kind === "infinity") return { kind: "finite", negative, coefficient: 0n, exponent: 0 };
  if (b.coefficient === 0n) return a.coefficient === 0n ? DECIMAL_NAN : decimalInfinity(negative);
  const ideal = a.exponent - b.exponent;
  const shift = 40 + b.coefficient.toString().length;
  const scaled = a.coefficient * pow10(shift);
  let coefficient = scaled / b.coefficient;
  if (scaled % b.coefficient !== 0n) {
    // One more digit carries the remainder into the rounding.
    return { kind: "finite", negative, coefficient: coefficient * 10n + 1n, exponent: ideal - shift - 1 };
  }
  let exponent = ideal - shift;
  while (exponent < ideal && coefficient % 10n === 0n) {
    coefficient /= 10n;
    exponent++;
  }
  return { kind: "finite", negative, coefficient, exponent };
}

/** The remainder of truncated division, with the sign of the dividend. */
export function remainderParts(a: DecimalParts, b: DecimalParts): DecimalParts {
  if (a.kind !== "finite" || b.kind === "nan" || (b.kind === "finite" && b.coefficient === 0n))
    return DECIMAL_NAN;
  if (b.kind === "infinity") return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.coefficient * pow10(a.exponent - exponent);
  const right = b.coefficient * pow10(b.exponent - exponent);
  return { kind: "finite", negative: a.negative, coefficient: left % right, exponent };
}

export type Rounding = "half-even" | "truncate" | "floor" | "ceiling";

/** Rounds to `places` digits after the point (negative: before it). */
export function roundParts(a: DecimalParts, places: number, rounding: Rounding): DecimalParts {
  if (a.kind !== "finite" || a.exponent >= -places) return a;
  const unit = pow10(Math.min(-places - a.exponent, 20_000));
  const rest = a.coefficient % unit;
  let quotient = a.coefficient / unit;
  const twice = rest * 2n;
  const isUp =
    rounding === "half-even"
      ? twice > unit || (twice === unit && quotient % 2n === 1n)
      : rest !== 0n && ((rounding === "floor" && a.negative) || (rounding === "ceiling" && !a.negative));
  if (isUp) quotient += 1n;
  return { kind: "finite", negative: a.negative, coefficient: quotient, exponent: -places };
}
