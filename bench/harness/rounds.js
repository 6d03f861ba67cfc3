// Alternation: every contestant once per round, each round begun by another one and every other one in the opposite order,
// so that drift of the machine (heat, neighbours, caches) meets all of them alike, and nobody always follows the same one.

/**
 * @template T
 * @typedef {{ value?: T, error?: string, untried?: 'failed' | 'slow' }} Outcome what one contestant did in one round, or why
 *   it was left out of it
 */

const FAILURES_TO_GIVE_UP = 2;

/**
 * @template {{ name: string }} C
 * @template T
 * @param {object} plan
 * @param {C[]} plan.contestants
 * @param {number} plan.rounds
 * @param {number | undefined} [plan.patience]  who takes more seconds in a round is left out of the further ones
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
      const place = round % 2 === 0 ? i + round : round - i + contestants.length;
      const contestant = /** @type {C} */ (contestants[place % contestants.length]);
      const outcomes = /** @type {Outcome<T>[]} */ (results.get(contestant.name));
      const begun = performance.now();
      /** @type {Outcome<T>} */
      const outcome = slow.has(contestant) ? { untried: 'slow' } : await attempt(() => measure(contestant), outcomes);
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
  if (failures.length >= FAILURES_TO_GIVE_UP) return { untried: 'failed' };
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
  const tried = outcomes.filter(({ untried }) => untried === undefined).length;
  return `failed ${errors.length} of ${tried} rounds: ${errors[0]}`;
}

/**
 * In how many of the rounds a contestant was measured that took long, or '' if it was in all.
 * @param {Outcome<unknown>[]} outcomes
 */
export function leftOut(outcomes) {
  const left = outcomes.filter(({ untried }) => untried === 'slow').length;
  return left === 0 ? '' : `${outcomes.length - left} of ${outcomes.length} rounds only, as one takes long`;
}
