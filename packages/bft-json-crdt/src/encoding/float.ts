/**
 * Which of the three IEEE 754 widths is the shortest that holds a number exactly (RFC 8949 §4.2.1).
 */

/** The binary16 bits of a finite number, or -1 if that width cannot hold it exactly. */
export function toHalf(value: number): number {
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (magnitude < 2 ** -14) {
    // Zero and the subnormals are multiples of 2^-24.
    const steps = magnitude * 2 ** 24;
    return Number.isInteger(steps) ? sign | steps : -1;
  }
  if (magnitude > 65504) return -1;
  scratch.setFloat32(0, magnitude);
  const bits = scratch.getUint32(0);
  // binary16 keeps 10 of the 23 fraction bits, and its exponent is biased by 15 where binary32 has 127.
  if ((bits & 0x1fff) !== 0 || Math.fround(value) !== value) return -1;
  return sign | ((bits >>> 13) - ((127 - 15) << 10));
}

/** The number that binary16 bits stand for. */
export function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const scratch = new DataView(new ArrayBuffer(4));
