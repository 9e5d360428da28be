/**
 * The storage fence: Ceph refuses everything from the addresses on its blocklist, so whatever still runs on a node that
 * cannot be reached writes nothing any more (ceph(8), "osd blocklist").
 * @module
 */
import { z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';

/** Until it is lifted: a node that is cut off may run on for as long. */
const blockSeconds = 365 * 86_400;

/** What Ceph was seen to say, as evidence. */
export interface BlockProof {
  /** All clients of the address: `10.10.1.2:0/32`. */
  readonly range: string;
  /** Wall clock; then Ceph lets them in again. */
  readonly untilMs: number;
  /**
   * The map that holds it. Whoever opens an image afterwards comes with this map or a later one, and a disk that serves it
   * has learnt of it before: it then refuses what the blocked clients have still under way.
   */
  readonly epoch: number;
  /** When it was read back, wall clock. */
  readonly readMs: number;
}

const dump = z.looseObject({
  epoch: z.int(),
  blocklist: z.record(z.string(), z.string()).default({}),
  range_blocklist: z.record(z.string(), z.string()).default({}),
});

export interface Blocklist {
  readonly epoch: number;
  /** By range, `10.10.1.2:0/32`, until when, wall clock. */
  readonly ranges: ReadonlyMap<string, number>;
  /** By address of a single client; librbd lists those whose locks it has broken. */
  readonly clients: ReadonlyMap<string, number>;
}

const untilOf = (entries: Readonly<Record<string, string>>): Map<string, number> =>
  new Map(Object.entries(entries).map(([entry, until]) => [entry.replace(/^cidr:/, ''), Date.parse(until)]));

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function readBlocklist(ceph: CephCommand): Promise<Blocklist> {
  const map = await ceph.ask(dump, ['osd', 'dump']);
  return { epoch: map.epoch, ranges: untilOf(map.range_blocklist), clients: untilOf(map.blocklist) };
}

const prefixOf = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

/** A range as Ceph shows it, with a port that means nothing: `10.10.1.2:0/32`, `[fd00::2]:0/128`. */
export const rangeOf = (address: string): string => (address.includes(':') ? `[${address}]:0/128` : `${address}:0/32`);

/**
 * Blocks every client at an address and reads it back.
 * @param nowMs wall clock
 * @throws PvcError CEPH_AWAY (it may or may not be blocked), CEPH_REFUSED
 */
export async function blockAddress(ceph: CephCommand, address: string, nowMs: () => number): Promise<BlockProof> {
  const what = `the blocking of ${address}`;
  await ceph.orderSoon(what, ['osd', 'blocklist', 'range', 'add', prefixOf(address), String(blockSeconds)]);
  const { epoch, ranges } = await readBlocklist(ceph);
  const range = rangeOf(address);
  const untilMs = ranges.get(range);
  if (untilMs === undefined || !(untilMs > nowMs()))
    throw cephError('CEPH_REFUSED', { what, reason: `${range} is not in its blocklist afterwards` });
  return { range, untilMs: Math.round(untilMs), epoch, readMs: Math.round(nowMs()) };
}

/** Lets the clients at an address in again; those that are let in already are fine. */
export async function unblockAddress(ceph: CephCommand, address: string): Promise<void> {
  if (!(await readBlocklist(ceph)).ranges.has(rangeOf(address))) return;
  await ceph.ceph(`the unblocking of ${address}`, ['osd', 'blocklist', 'range', 'rm', prefixOf(address)]);
}
