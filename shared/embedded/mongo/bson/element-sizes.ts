/** Type byte, minimum size of its value in bytes, and whether the size is fixed. */
const SIZES: readonly (readonly [number, number, boolean])[] = [
  [0x01, 8, true],
  [0x02, 5, false],
  [0x03, 5, false],
  [0x04, 5, false],
  [0x05, 5, false],
  [0x06, 0, true],
  [0x07, 12, true],
  [0x08, 1, true],
  [0x09, 8, true],
  [0x0a, 0, true],
  [0x0b, 2, false],
  [0x0c, 17, false],
  [0x0d, 5, false],
  [0x0e, 5, false],
  [0x0f, 14, false],
  [0x10, 4, true],
  [0x11, 8, true],
  [0x12, 8, true],
  [0x13, 16, true],
  [0x7f, 0, true],
  [0xff, 0, true],
];

/** The minimum size of a type's value in bytes; -1 for an unknown type. */
export const LEAST_SIZE = new Int8Array(256).fill(-1);
/** The size in bytes of a type's value if it is fixed; -1 otherwise. */
export const FIXED_SIZE = new Int8Array(256).fill(-1);
for (const [type, size, isExact] of SIZES) {
  LEAST_SIZE[type] = size;
  if (isExact) FIXED_SIZE[type] = size;
}
