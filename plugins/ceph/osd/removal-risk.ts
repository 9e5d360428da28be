/** What an OSD is to the pools, and whether the others can do without it. Pure. @module */
import { formatBytes } from '../../../core/plugin/api.ts';

/** A disk where Ceph has it. */
export interface PlacedOsd {
  readonly id: number;
  readonly class: string;
  readonly up: boolean;
  readonly in: boolean;
  /** What it lies in, by kind of place: `{ host: 'hv1', root: 'default' }`. */
  readonly places: Readonly<Record<string, string>>;
  /** 0 of one that is out. */
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** Of the used: data of pools, which would have to move. */
  readonly dataBytes: number;
}

/** What a pool asks of the disks. */
export interface PoolNeed {
  readonly name: string;
  readonly replicas: number;
  /** What must differ between replicas: `host`, `osd`, or another kind of place. */
  readonly domain: string;
  /** Where they may lie: a place of any kind. */
  readonly root: string;
  /** Only disks of this class. */
  readonly class: string | undefined;
}

export interface StorageFacts {
  readonly osds: readonly PlacedOsd[];
  readonly pools: readonly PoolNeed[];
  /** Ceph warns from this share of a disk on, and stops writing not far above it. */
  readonly nearFull: number;
  /** Placement groups that would stop without the OSD at this moment. */
  readonly stoppedPgs: number;
}

const placeOf = (osd: PlacedOsd, domain: string): string =>
  domain === 'osd' ? String(osd.id) : (osd.places[domain] ?? '');

const fits = (osd: PlacedOsd, pool: PoolNeed): boolean =>
  (pool.class === undefined || pool.class === osd.class) && Object.values(osd.places).includes(pool.root);

/** Every reason why not, each a sentence without its full stop; none: nothing is lost without it. */
export function risksOfRemoval(id: number, facts: StorageFacts): readonly string[] {
  const gone = facts.osds.find((osd) => osd.id === id);
  if (gone === undefined) return [];
  const using = facts.pools.filter((pool) => fits(gone, pool));
  return [
    ...stopped(facts.stoppedPgs),
    ...using.flatMap((pool) => placesMissing(gone, pool, facts.osds)),
    ...roomMissing(gone, using, facts),
  ];
}

const stopped = (pgs: number): readonly string[] =>
  pgs === 0
    ? []
    : [
        `${pgs} placement ${pgs === 1 ? 'group' : 'groups'} could not be written without it now: other copies of their data are not at hand`,
      ];

const remaining = (gone: PlacedOsd, pool: PoolNeed, osds: readonly PlacedOsd[]): readonly PlacedOsd[] =>
  osds.filter((osd) => osd.id !== gone.id && osd.up && osd.in && fits(osd, pool));

function placesMissing(gone: PlacedOsd, pool: PoolNeed, osds: readonly PlacedOsd[]): readonly string[] {
  const left = new Set(remaining(gone, pool, osds).map((osd) => placeOf(osd, pool.domain))).size;
  if (left >= pool.replicas) return [];
  const word = pool.domain === 'osd' ? 'disk' : pool.domain;
  const kept = pool.replicas === 1 ? '1 replica' : `${pool.replicas} replicas on different ${word}s`;
  const which = pool.class === undefined ? '' : ` of the class ${pool.class}`;
  const there = `${left} ${word}${left === 1 ? '' : 's'}${pool.domain === 'osd' ? '' : ' with disks'}${which}`;
  return [`the pool ${pool.name} keeps ${kept}, and only ${there} would be left`];
}

/** Where there are only as many places as replicas, what it holds has to stay in its own place, if there is one still. */
function roomMissing(gone: PlacedOsd, using: readonly PoolNeed[], facts: StorageFacts): readonly string[] {
  const wanting = using.flatMap((pool) => {
    const others = remaining(gone, pool, facts.osds);
    const own = others.filter((osd) => placeOf(osd, pool.domain) === placeOf(gone, pool.domain));
    const places = new Set(others.map((osd) => placeOf(osd, pool.domain))).size;
    const confined = own.length > 0 && places <= pool.replicas;
    const room = (confined ? own : others).reduce(
      (sum, osd) => sum + Math.max(0, osd.totalBytes * facts.nearFull - osd.usedBytes),
      0,
    );
    const where = confined ? `the other disks of ${placeOf(gone, pool.domain)}` : 'the other disks';
    return room < gone.dataBytes ? [{ room, where }] : [];
  });
  const worst = wanting.toSorted((a, b) => a.room - b.room)[0];
  if (worst === undefined) return [];
  const share = Math.round(facts.nearFull * 100);
  return [
    `it holds ${formatBytes(gone.dataBytes)}, and ${worst.where} have room for ${formatBytes(Math.floor(worst.room))} until they are ${share} % full`,
  ];
}
