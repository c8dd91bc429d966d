/**
 * How items begin: the major types (RFC 8949 §3.1), and the first bytes that this subset allows of the last two.
 */

/** Major types: the upper three bits of the first byte of an item. */
export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;
export const SIMPLE = 7;

/** Tags 2 and 3 (RFC 8949 §3.4.3). */
export const POSITIVE_BIGNUM = 0xc2;
export const NEGATIVE_BIGNUM = 0xc3;

/** Simple values and floats (RFC 8949 §3.3). */
export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
export const FLOAT_16 = 0xf9;
export const FLOAT_32 = 0xfa;
export const FLOAT_64 = 0xfb;
