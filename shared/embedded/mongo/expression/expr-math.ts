import { fitsInt64, subtractNumbers } from "../bson/arithmetic.ts";
import { Decimal128, decimalOf, partsOf } from "../bson/decimal.ts";
import { type Rounding, roundParts } from "../bson/decimal-arithmetic.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonNumber, isNumber, numericRank, toDecimalParts, toDouble } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { doubleOf } from "../bson/values.ts";
import {
  binary,
  isNullish,
  type Maybe,
  type Operator,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";

const numeric = (name: string, apply: (value: BsonNumber) => Maybe): Operator =>
  unary(name, (value) => {
    if (isNullish(value)) return null;
    if (!isNumber(value))
      throw new CommandFault(28765, `${name} only supports numeric types, not ${typeNameOf(value)}`);
    return apply(value);
  });

function exactDouble(name: string, value: BsonNumber): number {
  // A double would carry 17 of a decimal's 34 digits.
  if (value instanceof Decimal128) throw unsupported(`${name} on a decimal128`);
  return toDouble(value);
}

interface Domain {
  readonly accepts: (value: number) => boolean;
  readonly code: number;
  readonly message: string;
}

const real = (name: string, apply: (value: number) => number, domain?: Domain): Operator =>
  numeric(name, (value) => {
    const double = exactDouble(name, value);
    if (domain && !Number.isNaN(double) && !domain.accepts(double))
      throw new CommandFault(domain.code, domain.message);
    return doubleOf(apply(double));
  });

const positive = (name: string, code: number): Domain => ({
  accepts: (value) => value > 0,
  code,
  message: `${name}'s argument must be a positive number`,
});
const within = (name: string, limit: number): Domain => ({
  accepts: (value) => value >= -limit && value <= limit,
  code: 50989,
  message: `cannot apply ${name} to a value out of its domain`,
});
const finite = (name: string): Domain => ({ ...within(name, Number.MAX_VALUE) });

function halfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const WHOLE: Readonly<Record<Rounding, (value: number) => number>> = {
  "half-even": halfEven,
  truncate: Math.trunc,
  floor: Math.floor,
  ceiling: Math.ceil,
};

/** Rounds to decimal places. The type stays, except that an overflowing integer becomes a long. */
function roundNumber(value: BsonNumber, places: number, rounding: Rounding): Maybe {
  if (value instanceof Decimal128) return decimalOf(roundParts(partsOf(value), places, rounding));
  if (numericRank(value) === 2) {
    const double = toDouble(value);
    if (places === 0 || !Number.isFinite(double)) return doubleOf(WHOLE[rounding](double));
    if (places > 0) return doubleOf(roundDecimally(double, places, rounding));
    const unit = 10 ** -places;
    return doubleOf(WHOLE[rounding](double / unit) * unit);
  }
  if (places >= 0) return value;
  const parts = roundParts(toDecimalParts(value), places, rounding);
  const size = parts.coefficient * 10n ** BigInt(Math.max(0, parts.exponent));
  const result = parts.negative ? -size : size;
  if (!fitsInt64(result))
    throw new CommandFault(51080, "invalid conversion from Decimal128 result in $round");
  return typeof value === "bigint" || result > 2147483647n || result < -2147483648n ? result : Number(result);
}

function roundDecimally(double: number, places: number, rounding: Rounding): number {
  const shifted = Number(`${double}e${places}`);
  if (!Number.isFinite(shifted)) return double;
  return Number(`${WHOLE[rounding](shifted)}e${-places}`);
}

function digitsOf(name: string, value: Maybe): number {
  const places = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(places))
    throw new CommandFault(51082, `precision argument to ${name} must be a integral value`);
  if (places < -20 || places > 100)
    throw new CommandFault(
      51083,
      `cannot apply ${name} with precision value ${places} value must be in [-20, 100]`,
    );
  return places;
}

const rounding = (name: string, mode: Rounding): Operator =>
  variadic(
    name,
    ([value, places]) => {
      if (isNullish(value) || places === null) return null;
      if (!isNumber(value))
        throw new CommandFault(51081, `${name} only supports numeric types, not ${typeNameOf(value)}`);
      return roundNumber(value, places === undefined ? 0 : digitsOf(name, places), mode);
    },
    { least: 1, most: 2 },
  );

function power(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  if (!isNumber(a)) throw new CommandFault(28762, `$pow's base must be numeric, not ${typeNameOf(a)}`);
  if (!isNumber(b)) throw new CommandFault(28763, `$pow's exponent must be numeric, not ${typeNameOf(b)}`);
  const rank = Math.max(numericRank(a), numericRank(b));
  if (rank === 3) throw unsupported("$pow on a decimal128");
  if (toDouble(a) === 0 && toDouble(b) < 0)
    throw new CommandFault(28764, "$pow cannot take a base of 0 and a negative exponent");
  if (rank === 2 || toDouble(b) < 0) return doubleOf(toDouble(a) ** toDouble(b));
  const estimate = toDouble(a) ** toDouble(b);
  if (Math.abs(estimate) > 2 ** 64) return doubleOf(estimate);
  const result = BigInt(a as number) ** BigInt(b as number);
  if (!fitsInt64(result)) return doubleOf(Number(result));
  return rank === 1 || result > 2147483647n || result < -2147483648n ? result : Number(result);
}

function logarithm(a: Maybe, b: Maybe): Maybe {
  if (isNullish(a) || isNullish(b)) return null;
  if (!isNumber(a)) throw new CommandFault(28756, `$log's argument must be numeric, not ${typeNameOf(a)}`);
  if (!isNumber(b)) throw new CommandFault(28757, `$log's base must be numeric, not ${typeNameOf(b)}`);
  const [value, base] = [exactDouble("$log", a), exactDouble("$log", b)];
  if (value <= 0) throw new CommandFault(28758, `$log's argument must be a positive number, but is ${value}`);
  if (base <= 0 || base === 1)
    throw new CommandFault(28759, `$log's base must be a positive number not equal to 1, but is ${base}`);
  return doubleOf(Math.log(value) / Math.log(base));
}

const absolute = numeric("$abs", (value) => {
  if (value === -9223372036854775808n) throw new CommandFault(28680, "can't take $abs of long long min");
  if (value instanceof Decimal128) return decimalOf({ ...partsOf(value), negative: false });
  if (numericRank(value) === 2) return doubleOf(Math.abs(toDouble(value)));
  return toDouble(value) < 0 ? subtractNumbers(0, value) : value;
});

const wholly = (name: string, mode: Rounding): Operator =>
  numeric(name, (value) => roundNumber(value, 0, mode));

/** Functions of one number, roots, powers, logarithms, rounding and trigonometry. */
export const mathOperators: OperatorTable = {
  $abs: absolute,
  $ceil: wholly("$ceil", "ceiling"),
  $floor: wholly("$floor", "floor"),
  $round: rounding("$round", "half-even"),
  $trunc: rounding("$trunc", "truncate"),
  $exp: real("$exp", Math.exp),
  $ln: real("$ln", Math.log, positive("$ln", 28766)),
  $log10: real("$log10", Math.log10, positive("$log10", 28761)),
  $log: binary("$log", logarithm),
  $pow: binary("$pow", power),
  $sqrt: real("$sqrt", Math.sqrt, {
    accepts: (value) => value >= 0,
    code: 28714,
    message: "$sqrt's argument must be greater than or equal to 0",
  }),
  $sin: real("$sin", Math.sin, finite("$sin")),
  $cos: real("$cos", Math.cos, finite("$cos")),
  $tan: real("$tan", Math.tan, finite("$tan")),
  $asin: real("$asin", Math.asin, within("$asin", 1)),
  $acos: real("$acos", Math.acos, within("$acos", 1)),
  $atan: real("$atan", Math.atan),
  $sinh: real("$sinh", Math.sinh),
  $cosh: real("$cosh", Math.cosh),
  $tanh: real("$tanh", Math.tanh),
  $asinh: real("$asinh", Math.asinh),
  $acosh: real("$acosh", Math.acosh, {
    accepts: (value) => value >= 1,
    code: 50989,
    message: "cannot apply $acosh below 1",
  }),
  $atanh: real("$atanh", Math.atanh, within("$atanh", 1)),
  $atan2: binary("$atan2", (a, b) => {
    if (isNullish(a) || isNullish(b)) return null;
    if (!isNumber(a) || !isNumber(b))
      throw new CommandFault(
        51044,
        `$atan2 only supports numeric types, not ${typeNameOf(a)} and ${typeNameOf(b)}`,
      );
    return doubleOf(Math.atan2(exactDouble("$atan2", a), exactDouble("$atan2", b)));
  }),
  $degreesToRadians: real("$degreesToRadians", (value) => (value * Math.PI) / 180),
  $radiansToDegrees: real("$radiansToDegrees", (value) => (value * 180) / Math.PI),
};
