/** Blocks nodes and lets them in again: tasks of the primary, each good to be done twice. @module */
import { type AnyTaskDefinition, aliveKey, defineTask, type Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { blockError, storageBlock } from './block-kind.ts';
import { blockAddress } from './blocklist.ts';
import { forgetRefusal, letIn, type RefusingStorage } from './let-in.ts';

/** So long guests may take to end. */
const endingMs = 60_000;

export function blockTasks(runtime: Runtime, ceph: CephCommand, storage: RefusingStorage): AnyTaskDefinition[] {
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
        const node = run.spec.target.id;
        const doc = await documents.get(storageBlock, node);
        if (doc === undefined) return {};
        // Of a node without a daemon nobody could end anything: whoever lets it in answers for what runs there.
        const alive = await documents.store.read(aliveKey(node));
        const why = await (alive === undefined ? storage.letIn(node) : letIn(runtime, storage, node, endingMs));
        if (why !== undefined) throw blockError('BLOCK_USED', { node, reason: why });
        await forgetRefusal(runtime, storage, node, doc);
        return {};
      },
    }),
  ];
}
