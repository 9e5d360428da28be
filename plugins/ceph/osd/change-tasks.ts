/** Changes of an OSD, or of all, that Ceph makes at a word: each may be told again. @module */
import { type AnyTaskDefinition, defineTask, type Runtime, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { place } from './crush.ts';
import { osdFlag } from './flags.ts';
import { deviceClass } from './osd-kind.ts';

export const scrubInput = z.strictObject({ deep: z.boolean() });
export const modifyInput = z.strictObject({ class: deviceClass.optional(), weight: z.number().optional() });
export const flagInput = z.strictObject({ flag: osdFlag, set: z.boolean() });

export function changeTasks({ host }: Runtime, ceph: CephCommand): AnyTaskDefinition[] {
  const change = (action: string, summary: string, act: (id: string, input: unknown) => Promise<unknown>) =>
    defineTask({
      action,
      summary,
      run: (run) => patiently(host, run, () => act(run.spec.target.id, run.spec.input).then(() => undefined)),
    });
  return [
    change('osd.in', 'lets data onto a disk', (id) => ceph.ceph(`osd.${id}`, ['osd', 'in', id])),
    change('osd.out', 'moves the data off a disk', (id) => ceph.ceph(`osd.${id}`, ['osd', 'out', id])),
    change('osd.scrub', 'has the data of a disk checked', (id, input) =>
      ceph.ceph(`the check of osd.${id}`, ['osd', scrubInput.parse(input).deep ? 'deep-scrub' : 'scrub', id]),
    ),
    change('osd.modify', 'changes class or weight of a disk', (id, input) =>
      place(ceph, Number(id), modifyInput.parse(input)),
    ),
    change('osd.flag', 'sets a flag for all disks', (_id, input) => {
      const { flag, set } = flagInput.parse(input);
      return ceph.ceph(`the flag ${flag}`, ['osd', set ? 'set' : 'unset', flag]);
    }),
  ];
}
