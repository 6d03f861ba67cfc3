// Random numbers that are the same for the same seed, so that what they found is found again.

/** random(n) is an integer from 0 to n - 1. (A 32-bit xorshift.) */
export function seeded(seed: number): (n: number) => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}
