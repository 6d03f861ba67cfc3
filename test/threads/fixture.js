// What the tests ask a thread for by its module.
/** @param {number} value */
export function double(value) {
  return value * 2;
}
export default () => 'default';
export const number = 5;
