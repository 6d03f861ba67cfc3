// The sizes bench: the echo servers with messages of 64 B to 1 MiB.

import { measureCells } from './echo.js';
import { cellTable, summaryTable } from './tables.js';

const CONNECTIONS = [50];
const SIZES = [64, 1024, 4096, 65_536, 1_048_576];

/** @type {import('../main.js').Bench} */
export const bench = {
  summary: 'TCP echo with messages of 64 B to 1 MiB, likewise',
  async run(context) {
    const { options } = context;
    const sizes = options.sizes ?? SIZES;
    const { cells, notes } = await measureCells(context, sizes, options.connections ?? CONNECTIONS);
    const tables = sizes.map((size) =>
      cellTable(
        size,
        cells.filter((cell) => cell.size === size),
        options,
        notes,
      ),
    );
    return [...tables, summaryTable(cells, 'sizes-cpu-ratio')];
  },
};
