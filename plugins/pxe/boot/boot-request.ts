/** What a machine's boot loader says of it, in the query of the URL for its script. Pure. @module */
import { names, z } from '../../../core/plugin/api.ts';
import type { BootRecord, Hardware } from '../machine/machine-kind.ts';

export interface BootRequest {
  readonly mac: string;
  readonly firmware: BootRecord['firmware'];
  readonly hardware: Hardware;
  /** How often it has asked in vain in this boot. */
  readonly asked: number;
}

/**
 * Settings of iPXE (https://ipxe.org/cfg), each as a field of the query. `netX` is the card that it boots from; `uristring`
 * keeps blanks and the like from ending the URL.
 */
export const bootQuery = [
  'mac=${netX/mac}',
  'uuid=${uuid}',
  'platform=${platform}',
  'manufacturer=${manufacturer:uristring}',
  'product=${product:uristring}',
  'serial=${serial:uristring}',
  'memory=${memsize}',
].join('&');

/** UUIDs that boards have whose maker gave them none. */
const noUuid = new Set(['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']);

/** Text of a firmware: what is no text for people is left out. */
function wordOf(text: string | null): string | null {
  const clean = (text ?? '')
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 128);
  return clean === '' ? null : clean;
}

/** Undefined: it does not say which card it boots from. */
export function readBootRequest(search: string): BootRequest | undefined {
  // iPXE writes a blank as %20 and leaves a plus sign as it is.
  const query = new URLSearchParams(search.replaceAll('+', '%2B'));
  const mac = names.macAddress.safeParse(query.get('mac') ?? '');
  if (!mac.success) return undefined;
  const uuid = names.uuid.safeParse(query.get('uuid') ?? '');
  const memory = z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 32)
    .safeParse(query.get('memory') ?? '');
  const asked = z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .safeParse(query.get('asked') ?? '');
  return {
    mac: mac.data,
    firmware: query.get('platform') === 'efi' ? 'efi' : 'bios',
    asked: asked.success ? asked.data : 0,
    hardware: {
      uuid: uuid.success && !noUuid.has(uuid.data) ? uuid.data : null,
      manufacturer: wordOf(query.get('manufacturer')),
      product: wordOf(query.get('product')),
      serial: wordOf(query.get('serial')),
      memoryMiB: memory.success ? memory.data : null,
      disks: [],
      nics: [],
    },
  };
}
