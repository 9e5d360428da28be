/** Changes of one OSD that Ceph makes at a word. @module */
import { defineMutation, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { deviceClass, osdError, osdNumber } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { risksOfRemoval } from './removal-risk.ts';
import { storageFacts } from './storage-facts.ts';

const changeTimeoutMs = 120_000;
const argument = { field: 'osd', complete: 'osd' } as const;
const answer = z.object({ osd: z.int() });

export function changeOperations(ceph: () => CephCommand) {
  /** Also of an OSD that PVC did not make. @throws PvcError CEPH_NONE, OSD_NOT_FOUND */
  async function need({ view }: PlanContext, id: string): Promise<void> {
    await needStorage(view);
    if (!(await osdMap(ceph())).osds.some((one) => one.id === Number(id))) throw osdError('OSD_NOT_FOUND', { osd: id });
  }

  const start = (plan: PlanBuilder, action: string, id: string, input: unknown = null): { osd: number } => {
    const target = { kind: 'osd', id, label: `osd.${id}` };
    plan.task({ action, target, node: undefined, input, timeoutMs: changeTimeoutMs });
    return { osd: Number(id) };
  };

  return [
    defineMutation({
      name: 'osd.in',
      summary: 'Let data onto a disk of the storage (an OSD) again',
      http: { method: 'POST', path: '/storage/osds/{osd}/in' },
      cli: { command: 'storage osd in', arguments: [argument], waits: true, examples: ['pvc storage osd in 3'] },
      role: 'admin',
      input: z.strictObject({ osd: osdNumber }),
      output: answer,
      async plan(plan, context, { osd: id }) {
        await need(context, id);
        plan.act(`let data onto osd.${id}; Ceph moves its share there`);
        return start(plan, 'osd.in', id);
      },
    }),
    defineMutation({
      name: 'osd.out',
      summary: 'Move the data off a disk of the storage (an OSD); it stays part of it',
      http: { method: 'POST', path: '/storage/osds/{osd}/out' },
      cli: { command: 'storage osd out', arguments: [argument], waits: true, examples: ['pvc storage osd out 3'] },
      role: 'admin',
      input: z.strictObject({ osd: osdNumber }),
      output: answer,
      async plan(plan, context, { osd: id }) {
        await need(context, id);
        // Nothing is lost by it: what finds no other place stays where it is.
        for (const risk of risksOfRemoval(Number(id), await storageFacts(ceph(), Number(id))))
          plan.warn(`Not all of it can move: ${risk}.`);
        plan.act(`move the data of osd.${id} to other disks`);
        return start(plan, 'osd.out', id);
      },
    }),
    defineMutation({
      name: 'osd.scrub',
      summary: 'Have the data of a disk of the storage (an OSD) checked now',
      description: 'It begins as soon as the disk has a moment, and goes on after the command has ended.',
      http: { method: 'POST', path: '/storage/osds/{osd}/scrub' },
      cli: {
        command: 'storage osd scrub',
        arguments: [argument],
        waits: true,
        examples: ['pvc storage osd scrub 3 --deep'],
      },
      role: 'operator',
      input: z.strictObject({
        osd: osdNumber,
        deep: z.boolean().default(false).describe('read and compare every byte'),
      }),
      output: answer,
      async plan(plan, context, { osd: id, deep }) {
        await need(context, id);
        plan.act(`check ${deep ? 'every byte' : 'the objects'} on osd.${id} against the other copies`);
        return start(plan, 'osd.scrub', id, { deep });
      },
    }),
    defineMutation({
      name: 'osd.modify',
      summary: 'Change class or weight of a disk of the storage (an OSD); Ceph moves data as needed',
      http: { method: 'PATCH', path: '/storage/osds/{osd}' },
      cli: {
        command: 'storage osd modify',
        arguments: [argument],
        options: { class: { value: 'CLASS' }, weight: { value: 'WEIGHT' } },
        waits: true,
        examples: ['pvc storage osd modify 3 --class ssd', 'pvc storage osd modify 3 --weight 0.9'],
      },
      role: 'admin',
      input: z.strictObject({
        osd: osdNumber,
        class: deviceClass.optional().describe('device class'),
        weight: z.number().min(0).max(100_000).optional().describe('CRUSH weight; as a rule the size in TiB'),
      }),
      output: answer,
      async plan(plan, context, { osd: id, ...wish }) {
        if (wish.class === undefined && wish.weight === undefined)
          throw osdError('OSD_INPUT', { reason: 'neither class nor weight is given' });
        await need(context, id);
        const facts = await storageFacts(ceph(), Number(id));
        const now = facts.osds.find((one) => one.id === Number(id))?.class;
        const leaving = facts.pools.filter(
          (pool) => wish.weight === 0 || (wish.class !== undefined && pool.class === now && wish.class !== now),
        );
        for (const risk of risksOfRemoval(Number(id), { ...facts, pools: leaving, stoppedPgs: 0 }))
          plan.warn(`Not all of it can move: ${risk}.`);
        if (wish.class !== undefined) plan.act(`make the class of osd.${id} ${wish.class}`);
        if (wish.weight !== undefined) plan.act(`make the weight of osd.${id} ${wish.weight}`);
        return start(plan, 'osd.modify', id, wish);
      },
    }),
  ];
}
