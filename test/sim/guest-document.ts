/** The documents of the guests that are there when a run begins. @module */
import type { Write } from '../../core/store/documents.ts';
import { fromFlags } from '../../plugins/libvirt/domain/create.ts';
import { vmSpec } from '../../plugins/libvirt/schema.ts';
import { vm } from '../../plugins/libvirt/vm-kind.ts';
import type { Chance } from './chance.ts';
import { simPool } from './storage.ts';

export interface GuestDescription {
  readonly name: string;
  readonly node: string;
  readonly run: 'running' | 'stopped' | 'disabled';
  readonly memoryMiB: number;
  /** How long it takes to shut down; undefined: it ignores the power button. */
  readonly shutdownMs: number | undefined;
  readonly bootMs: number;
  /** Its disk is a volume of the shared storage; else a file that every node has. */
  readonly volume: boolean;
  /** More of its document: `limit`, `selector`, `shutdown` … */
  readonly spec: Readonly<Record<string, unknown>>;
}

export function guestWrite(guest: GuestDescription, random: Chance): Extract<Write, { do: 'create' }> {
  const { fields } = fromFlags({
    name: guest.name,
    vcpus: 1,
    memoryMiB: guest.memoryMiB,
    disks: [
      {
        source: guest.volume
          ? { type: 'volume', pool: simPool, volume: guest.name }
          : { type: 'file', path: `/shared/${guest.name}.img` },
      },
    ],
    graphics: 'none',
    guestAgent: false,
  });
  const spec = vmSpec.parse({ ...fields, run: guest.run, node: guest.node, ...guest.spec });
  return { do: 'create', kind: vm, id: random.uuid(), spec };
}
