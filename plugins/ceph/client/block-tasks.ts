/** Blocks nodes and lets them in again: tasks of the primary, each good to be done twice. @module */
import { type AnyTaskDefinition, defineTask, type Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { storageBlock } from './block-kind.ts';
import { blockAddress, unblockAddress } from './blocklist.ts';

export function blockTasks(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition[] {
  const { documents, host } = runtime;
  return [
    defineTask({
      action: 'storage.block',
      summary: 'makes Ceph refuse every client of a node',
      async run(run) {
        const { spec } = await documents.need(storageBlock, run.spec.target.id);
        const proof = await blockAddress(ceph, spec.address, () => host.clock.wallMs());
        const doc = await documents.need(storageBlock, run.spec.target.id);
        await runtime.write([{ do: 'spec', kind: storageBlock, before: doc, spec: { ...doc.spec, proof } }], {
          asPrimary: true,
        });
        return proof;
      },
    }),
    defineTask({
      action: 'storage.unblock',
      summary: 'lets the clients of a node in again',
      async run(run) {
        const doc = await documents.get(storageBlock, run.spec.target.id);
        if (doc === undefined) return {};
        await unblockAddress(ceph, doc.spec.address);
        await runtime.write([{ do: 'remove', kind: storageBlock, before: doc }], { asPrimary: true });
        return {};
      },
    }),
  ];
}
