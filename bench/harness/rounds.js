// Alternation: every contestant once per round, each round begun by another one, so that drift of the machine (heat,
// neighbours, caches) meets all of them alike.

/**
 * @template T
 * @typedef {{ value?: T, error?: string }} Outcome what one contestant did in one round
 */

const FAILURES_TO_GIVE_UP = 2;

/**
 * @template {{ name: string }} C
 * @template T
 * @param {object} plan
 * @param {C[]} plan.contestants
 * @param {number} plan.rounds
 * @param {(contestant: C) => Promise<T>} plan.measure  a rejection is a failure of that round
 * @param {(contestant: C, round: number, outcome: Outcome<T>) => void} plan.report
 * @returns {Promise<Map<string, Outcome<T>[]>>} by name, one outcome per round
 */
export async function alternate({ contestants, rounds, measure, report }) {
  /** @type {Map<string, Outcome<T>[]>} */
  const results = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contestants.length; i++) {
      const contestant = /** @type {C} */ (contestants[(i + round) % contestants.length]);
      const outcomes = /** @type {Outcome<T>[]} */ (results.get(contestant.name));
      const outcome = await attempt(() => measure(contestant), outcomes);
      outcomes.push(outcome);
      report(contestant, round, outcome);
    }
  }
  return results;
}

/**
 * @template T
 * @param {() => Promise<T>} measure
 * @param {Outcome<T>[]} before
 * @returns {Promise<Outcome<T>>}
 */
async function attempt(measure, before) {
  const failures = before.filter(({ error }) => error !== undefined);
  if (failures.length >= FAILURES_TO_GIVE_UP) return /** @type {Outcome<T>} */ (failures[0]);
  try {
    return { value: await measure() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * How often a contestant failed and why, or '' if it never did.
 * @param {Outcome<unknown>[]} outcomes
 */
export function failures(outcomes) {
  const errors = outcomes.map(({ error }) => error).filter((error) => error !== undefined);
  if (errors.length === 0) return '';
  return `failed ${errors.length} of ${outcomes.length} rounds: ${errors[0]}`;
}
