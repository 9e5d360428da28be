/** What Ceph says of its disks and pools together, as far as the removal of a disk needs it. @module */
import { z } from '../../../core/plugin/api.ts';
import { type CephCommand, complaint, parsed } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import type { PlacedOsd, PoolNeed, StorageFacts } from './removal-risk.ts';

const count = z.number().default(0);

/** `ceph osd df tree`: the tree of places with figures at its leaves. */
export const placesAnswer = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.int(),
      name: z.string(),
      type: z.string(),
      children: z.array(z.int()).default([]),
      device_class: z.string().default(''),
      status: z.string().optional(),
      reweight: count,
      kb: count,
      kb_used: count,
      kb_used_data: count,
      kb_used_omap: count,
    }),
  ),
});

export const poolsAnswer = z.array(
  z.looseObject({ pool_name: z.string(), size: z.int(), type: z.int(), crush_rule: z.int() }),
);

export const rulesAnswer = z.array(
  z.looseObject({
    rule_id: z.int(),
    steps: z.array(z.looseObject({ op: z.string(), item_name: z.string().optional(), type: z.string().optional() })),
  }),
);

const dumpAnswer = z.looseObject({ nearfull_ratio: z.number() });
const stopAnswer = z.looseObject({ num_not_ok_pgs: z.int() });

/** Each OSD with the places that it lies in. Pure. */
export function placedOsds({ nodes }: z.output<typeof placesAnswer>): readonly PlacedOsd[] {
  const parents = new Map(nodes.flatMap((node) => node.children.map((child) => [child, node] as const)));
  const placesOf = (id: number): Record<string, string> => {
    const parent = parents.get(id);
    return parent === undefined ? {} : { ...placesOf(parent.id), [parent.type]: parent.name };
  };
  return nodes
    .filter(({ type }) => type === 'osd')
    .map((node) => ({
      id: node.id,
      class: node.device_class,
      up: node.status === 'up',
      in: node.reweight > 0,
      places: placesOf(node.id),
      totalBytes: node.kb * 1024,
      usedBytes: node.kb_used * 1024,
      dataBytes: (node.kb_used_data + node.kb_used_omap) * 1024,
    }));
}

/** What each pool asks, by its CRUSH rule: `take default~ssd`, `chooseleaf … type host`. Pure. */
export function poolNeeds(
  pools: z.output<typeof poolsAnswer>,
  rules: z.output<typeof rulesAnswer>,
): readonly PoolNeed[] {
  return pools.map(({ pool_name: name, size, crush_rule }) => {
    const steps = rules.find((rule) => rule.rule_id === crush_rule)?.steps ?? [];
    const [root = '', only] = (steps.find(({ op }) => op === 'take')?.item_name ?? '').split('~');
    // The last choice is that of the disks' own places: `choose rack`, then `chooseleaf host`.
    const domain = steps.findLast(({ op }) => op.startsWith('choose'))?.type ?? 'osd';
    return { name, replicas: size, domain, root, class: only };
  });
}

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function storageFacts(ceph: CephCommand, id: number): Promise<StorageFacts> {
  const [places, pools, rules, dump, stoppedPgs] = await Promise.all([
    ceph.ask(placesAnswer, ['osd', 'df', 'tree']),
    ceph.ask(poolsAnswer, ['osd', 'pool', 'ls', 'detail']),
    ceph.ask(rulesAnswer, ['osd', 'crush', 'rule', 'dump']),
    ceph.ask(dumpAnswer, ['osd', 'dump']),
    pgsWithout(ceph, id),
  ]);
  return { osds: placedOsds(places), pools: poolNeeds(pools, rules), nearFull: dump.nearfull_ratio, stoppedPgs };
}

/** `ceph osd ok-to-stop` ends with an error when it is not, and tells all the same. */
async function pgsWithout(ceph: CephCommand, id: number): Promise<number> {
  const args = ['osd', 'ok-to-stop', String(id), '--format', 'json'];
  const result = await ceph.tryCeph(args);
  if (result.stdout.trim() === '') {
    const reason = complaint(result);
    throw cephError('CEPH_REFUSED', { what: `whether osd.${id} may stop`, reason });
  }
  return parsed(stopAnswer, `ceph ${args.join(' ')}`, result.stdout).num_not_ok_pgs;
}
