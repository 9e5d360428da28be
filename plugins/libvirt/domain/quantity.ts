/**
 * Amounts of memory as libvirt writes them: a whole number with a unit.
 * @module
 */

const powers: Record<string, bigint> = { k: 1n, m: 2n, g: 3n, t: 4n, p: 5n, e: 6n };

/**
 * Bytes in one unit. libvirt's formatdomain, `memory`: `b`/`bytes`; `KB`, `MB` … are powers of 1000;
 * `k`/`KiB`, `M`/`MiB` … powers of 1024; the case does not matter; without a unit it is KiB.
 */
export function unitBytes(unit: string | undefined): bigint | undefined {
  const text = (unit ?? 'KiB').trim().toLowerCase();
  if (text === 'b' || text === 'bytes') return 1n;
  const power = powers[text[0] ?? ''];
  if (power === undefined) return undefined;
  const rest = text.slice(1);
  if (rest === '' || rest === 'ib') return 1024n ** power;
  return rest === 'b' ? 1000n ** power : undefined;
}

/** Why an amount could not be read: the number, or its unit. */
export type QuantityFault = 'number' | 'unit';

export function parseBytes(text: string, unit: string | undefined): bigint | QuantityFault {
  const digits = text.trim();
  if (!/^[0-9]{1,30}$/.test(digits)) return 'number';
  const bytes = unitBytes(unit);
  return bytes === undefined ? 'unit' : BigInt(digits) * bytes;
}

const mebi = 1024n * 1024n;

/** Rounds up to whole MiB, as libvirt and QEMU would have to; `exact` tells whether anything was added. */
export const toMiB = (bytes: bigint): { readonly miB: number; readonly exact: boolean } => ({
  miB: Number((bytes + mebi - 1n) / mebi),
  exact: bytes % mebi === 0n,
});
