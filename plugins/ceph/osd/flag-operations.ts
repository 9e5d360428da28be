/** Flags: list, set, take back. @module */
import { defineMutation, defineQuery, table, z } from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { flags, isSet, type OsdFlag, osdFlag } from './flags.ts';
import { osdMap } from './osd-map.ts';

const flagTimeoutMs = 120_000;

const flagRow = z.object({ flag: osdFlag, set: z.boolean(), meaning: z.string() });

function flagMutation<const N extends 'osd.set-flag' | 'osd.unset-flag'>(name: N, set: boolean) {
  return defineMutation({
    name,
    summary: set ? 'Set a flag for all disks of the storage' : 'Take a flag for all disks of the storage back',
    description: `Flags: ${Object.entries(flags)
      .map(([flag, meaning]) => `${flag} (${meaning})`)
      .join(', ')}.`,
    http: { method: set ? 'PUT' : 'DELETE', path: '/storage/flags/{flag}' },
    cli: {
      command: `storage osd ${set ? 'set-flag' : 'unset-flag'}`,
      arguments: [{ field: 'flag', complete: Object.keys(flags) }],
      waits: true,
      examples: [`pvc storage osd ${set ? 'set-flag' : 'unset-flag'} noout`],
    },
    role: 'admin',
    input: z.strictObject({ flag: osdFlag.describe('what is not to happen') }),
    output: z.object({ flag: osdFlag, set: z.boolean() }),
    async plan(plan, { view }, { flag }) {
      await needStorage(view);
      if (set && (flag === 'pause' || flag === 'nodown' || flag === 'noup'))
        plan.warn(`While ${flag} is set, ${flags[flag]}.`);
      plan.task({
        action: 'osd.flag',
        target: { kind: 'osd-flag', id: flag, label: flag },
        node: undefined,
        input: { flag, set },
        timeoutMs: flagTimeoutMs,
      });
      plan.act(set ? `set ${flag}: ${flags[flag]}` : `take ${flag} back`);
      return { flag, set };
    },
  });
}

export const flagOperations = (ceph: () => CephCommand) => [
  flagMutation('osd.set-flag', true),
  flagMutation('osd.unset-flag', false),
  defineQuery({
    name: 'osd.flags',
    summary: 'List the flags for all disks of the storage, and which are set',
    http: { method: 'GET', path: '/storage/flags' },
    cli: {
      command: 'storage osd flags',
      render: (rows: readonly z.output<typeof flagRow>[], context) =>
        table(
          [{ title: 'FLAG', keep: true }, 'SET', 'MEANING'],
          rows.map((row) => [row.flag, row.set ? 'set' : '', row.meaning]),
          context,
        ),
      nameField: 'flag',
    },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(flagRow),
    async run({ view }) {
      await needStorage(view);
      const { flags: set } = await osdMap(ceph());
      return (Object.entries(flags) as [OsdFlag, string][]).map(([flag, meaning]) => ({
        flag,
        set: isSet(flag, set),
        meaning,
      }));
    },
  }),
];
