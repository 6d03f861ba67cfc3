// The rows in which native code tells of received datagrams; the layout is that of DatagramField in native/datagram.h.

import type { InternetAddress } from '../native/address.ts';

const FAMILY = 2;
const PORT = 3;
const SCOPE = 4;
const HOST = 5;
/** How many numbers make a row. */
export const FIELDS = 9;

/** Who has sent a datagram, and the numbers that this was read from. */
export interface DatagramRow {
  readonly address: InternetAddress;
  readonly key: string;
}

/** The sender in the row at `at`; the same object as `last` if it is the same one, since datagrams come in flocks. */
export function readRow(rows: Int32Array, at: number, last: DatagramRow): DatagramRow {
  const key = rows.subarray(at + FAMILY, at + FIELDS).join();
  if (key === last.key) return last;
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset + 4 * (at + HOST), 16);
  const host = rows[at + FAMILY] === 4 ? bytes.subarray(0, 4).join('.') : formatIpv6(bytes, rows[at + SCOPE] as number);
  return { address: { host, port: rows[at + PORT] as number }, key };
}

/** An address of IPv6 in its canonical form (RFC 5952). */
export function formatIpv6(bytes: Uint8Array, scope: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number));
  const zone = scope === 0 ? '' : `%${scope}`;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}${zone}`;
  const text = groups.map((group) => group.toString(16)).join(':');
  // The longest run of zero groups, of at least two, the first of equal ones, is left out.
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort(
    (a, b) => zeros(b[0]) - zeros(a[0]) || a.index - b.index,
  );
  const [longest] = runs;
  if (longest === undefined) return text + zone;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length);
  return `${before}::${after.replace(/^:/, '')}${zone}`;
}

function zeros(run: string): number {
  return run.replace(/[^0]/g, '').length;
}
