// Whether the package under test is there.

import { existsSync } from 'node:fs';

export const NOT_BUILT = 'coreactor is missing from this table: it is not built (npm run build).';

export function isBuilt() {
  return existsSync(new URL('../../dist/index.js', import.meta.url));
}
