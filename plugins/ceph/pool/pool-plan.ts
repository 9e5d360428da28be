/** Whether a pool can be as it is asked, and with which commands it becomes so. Pure. @module */
import type { PoolSpec } from './pool-kind.ts';

/** A disk, as far as pools care. */
export interface Disk {
  readonly node: string;
  readonly class: string;
}

/** How many places there are that can each hold one replica. */
export function placesFor(disks: readonly Disk[], { domain, class: only }: Pick<PoolSpec, 'domain' | 'class'>): number {
  const fitting = disks.filter((disk) => only === undefined || disk.class === only);
  return domain === 'osd' ? fitting.length : new Set(fitting.map(({ node }) => node)).size;
}

/** Why it cannot be so; undefined: it can. */
export function unfit(spec: PoolSpec, disks: readonly Disk[]): string | undefined {
  if (spec.minReplicas > spec.replicas)
    return `at least ${spec.minReplicas} replicas cannot be at hand when there are ${spec.replicas}`;
  const places = placesFor(disks, spec);
  const what = `${spec.domain === 'osd' ? 'disk' : 'node'}${places === 1 ? '' : 's'}`;
  const which = spec.class === undefined ? 'with disks' : `with disks of the class ${spec.class}`;
  if (places === 0) return `there is no disk${spec.class === undefined ? '' : ` of the class ${spec.class}`}`;
  if (spec.replicas > places)
    return `${spec.replicas} replicas need as many ${spec.domain === 'osd' ? 'disks' : 'nodes'}, and there ${places === 1 ? 'is' : 'are'} ${places} ${spec.domain === 'osd' ? what : `${what} ${which}`}`;
  if (spec.pgs !== undefined && (spec.pgs & (spec.pgs - 1)) !== 0)
    return `${spec.pgs} placement groups are no power of two`;
  return undefined;
}

/** What an administrator should know before. */
export function cautions(spec: PoolSpec): string[] {
  if (spec.replicas === 1) return ['Each piece of data is on one disk only: when that disk fails, it is lost.'];
  if (spec.minReplicas === 1)
    return ['Data is accepted while only one disk can hold it: when that one fails too, it is lost.'];
  return [];
}

/** Name of the CRUSH rule; pools with the same needs share one. */
export const ruleOf = ({ domain, class: only }: Pick<PoolSpec, 'domain' | 'class'>): string =>
  `pvc-${domain}${only === undefined ? '' : `-${only}`}`;

/** Commands of `ceph` that make the pool, or make it so; each may be given again. */
export function poolCommands(pool: string, spec: PoolSpec): string[][] {
  const set = (name: string, value: string | number): string[] => ['osd', 'pool', 'set', pool, name, String(value)];
  const pgs = spec.pgs === undefined ? [] : [String(spec.pgs), String(spec.pgs)];
  const rule = ruleOf(spec);
  const sure = '--yes-i-really-mean-it';
  return [
    [
      'osd',
      'crush',
      'rule',
      'create-replicated',
      rule,
      'default',
      spec.domain,
      ...(spec.class === undefined ? [] : [spec.class]),
    ],
    ['osd', 'pool', 'create', pool, ...pgs, 'replicated', rule],
    set('pg_autoscale_mode', spec.pgs === undefined ? 'on' : 'off'),
    set('crush_rule', rule),
    ...(spec.replicas === 1 ? [['config', 'set', 'mon', 'mon_allow_pool_size_one', 'true']] : []),
    [...set('size', spec.replicas), ...(spec.replicas === 1 ? [sure] : [])],
    set('min_size', spec.minReplicas),
    ...(spec.pgs === undefined ? [] : [set('pg_num', spec.pgs), set('pgp_num', spec.pgs)]),
    ['osd', 'pool', 'application', 'enable', pool, 'rbd'],
  ];
}
