/** How elements are ordered wherever two of them are compared. */

/**
 * Compares the keys (lamport, change id, index) of two elements, which are named by their local numbers, as `Array.sort`
 * wants it; 0 only for an element and itself.
 */
export type CompareElements = (a: number, b: number) => number;
