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
 * @param {number} [plan.patience]  who takes more seconds in a round is left out of the further ones
 * @param {(contestant: C) => Promise<T>} plan.measure  a rejection is a failure of that round
 * @param {(contestant: C, round: number, outcome: Outcome<T>) => void} plan.report
 * @returns {Promise<Map<string, Outcome<T>[]>>} by name, one outcome per round
 */
export async function alternate({ contestants, rounds, patience = Number.POSITIVE_INFINITY, measure, report }) {
  /** @type {Map<string, Outcome<T>[]>} */
  const results = new Map(contestants.map(({ name }) => [name, []]));
  /** @type {Set<C>} */
  const slow = new Set();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contestants.length; i++) {
      const contestant = /** @type {C} */ (contestants[(i + round) % contestants.length]);
      if (slow.has(contestant)) continue;
      const outcomes = /** @type {Outcome<T>[]} */ (results.get(contestant.name));
      const begun = performance.now();
      const outcome = await attempt(() => measure(contestant), outcomes);
      if (performance.now() - begun > patience * 1000) slow.add(contestant);
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

/**
 * In how many of the rounds a contestant was measured, or '' if it was in all.
 * @param {Outcome<unknown>[]} outcomes
 * @param {number} rounds
 */
export function leftOut(outcomes, rounds) {
  return outcomes.length === 0 || outcomes.length >= rounds
    ? ''
    : `${outcomes.length} of ${rounds} rounds only, as one takes long`;
}
