/**
 * The storage that all nodes share, and the plugin by which daemons know it: volumes of the pool `sim`, which a node can be
 * shut out of. What a node that is shut out writes does not come through, and no guest with a volume starts there.
 * @module
 */

import type { VirtualClock } from '../../core/host/virtual-clock.ts';
import { definePlugin, orNotNow, type PluginDefinition, type Runtime } from '../../core/plugin/api.ts';
import { blockError, storageBlock } from '../../plugins/ceph/client/block-kind.ts';
import { blocklistController } from '../../plugins/ceph/client/blocklist-controller.ts';
import { letInAgain, type RefusingStorage, whyNotYet } from '../../plugins/ceph/client/let-in.ts';
import { cephError } from '../../plugins/ceph/command/errors.ts';
import type { Guests } from './guests.ts';
import type { Life } from './life.ts';
import type { Trace } from './trace.ts';

export const simPool = 'sim';

export interface StorageParts {
  readonly trace: Trace;
  readonly guests: Guests;
  readonly clock: VirtualClock;
}

/** After this time a command to a storage that stands still is given up. */
const patienceMs = 10_000;

export class Storage {
  readonly #parts: StorageParts;
  /** Each with the how many-th shutting out it was. */
  readonly #shutOut = new Map<string, number>();
  #shuts = 0;
  /** Says that it has shut a node out, and has not. */
  deceives = false;
  /** Nodes that it does not answer when they would shut another out, or let one in; `all`: it answers nobody. */
  readonly #silentTo = new Set<string>();

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  get shutOut(): ReadonlyMap<string, number> {
    return this.#shutOut;
  }

  /** It answers no more, or again: one node, or all of them. */
  stall(stalls: boolean, node = 'all'): void {
    if (this.#silentTo.has(node) === stalls) return;
    if (stalls) this.#silentTo.add(node);
    else this.#silentTo.delete(node);
    const whom = node === 'all' ? '' : ` ${node}`;
    this.#parts.trace.world('storage', stalls ? `does not answer${whom} any more` : `answers${whom} again`);
  }

  /** @throws PvcError CEPH_AWAY */
  async answers(from: string): Promise<void> {
    if (!this.#silentTo.has('all') && !this.#silentTo.has(from)) return;
    await this.#parts.clock.sleep(patienceMs);
    throw cephError('CEPH_AWAY', { reason: `no answer within ${patienceMs / 1000} s` });
  }

  shut(node: string): void {
    if (this.deceives || this.#shutOut.has(node)) return;
    this.#shuts += 1;
    this.#shutOut.set(node, this.#shuts);
    this.#parts.trace.world('storage', `lets ${node} in no more`);
    this.#parts.guests.shutOut(node);
  }

  letIn(node: string): void {
    if (!this.#shutOut.delete(node)) return;
    this.#parts.trace.world('storage', `lets ${node} in again`);
    this.#parts.guests.letIn(node);
  }
}

interface Element {
  readonly root: object;
  el(name: string, attributes: Record<string, string>): object;
  addDisk(disk: object, backing: { type: string; source: object; children: object[] }): object;
}
interface About {
  readonly vm: {
    readonly spec: { readonly disks: readonly { source: { type: string; pool?: string; volume?: string } }[] };
  };
  edit(root: object): Element;
}

/** As the plugin ceph does it (client/fence.ts, client/guest-disk.ts, client/blocklist-controller.ts), on the pretended storage. */
export const storagePlugin = (storage: Storage, life: Life): PluginDefinition =>
  definePlugin({
    name: 'storage',
    api: '^1',
    summary: 'the pretended storage',
    apply(pvc) {
      let runtime: Runtime | undefined;
      const need = (): Runtime => {
        if (runtime === undefined) throw new Error('the storage plugin has not started');
        return runtime;
      };
      const refusing: RefusingStorage = {
        name: 'storage',
        resources: async () => [`pool:${simPool}`],
        refused: () =>
          life.call('storage.read', async () => {
            await storage.answers(need().node);
            return new Map([...storage.shutOut].map(([node, shut]) => [node, String(shut)]));
          }),
        letIn: (node) =>
          life.call('storage.letIn', async () => {
            await storage.answers(need().node);
            storage.letIn(node);
          }),
        refuse: (node) =>
          life.call('storage.shut', async () => {
            await storage.answers(need().node);
            storage.shut(node);
          }),
      };
      pvc.hooks.kinds.tap(() => [storageBlock]);
      pvc.hooks.start.tap((started) => {
        runtime = started;
      });
      pvc.hooks.controllers.tap(() => [blocklistController(need(), refusing)]);
      pvc.on('libvirt.domain', (root: object, about: About): object => {
        const draft = about.edit(root);
        for (const disk of about.vm.spec.disks) {
          const { type, pool, volume } = disk.source;
          if (type !== 'volume') continue;
          const source = draft.el('source', { protocol: 'rbd', name: `${pool}/${volume}` });
          draft.addDisk(disk, { type: 'network', source, children: [] });
        }
        return draft.root;
      });
      pvc.hooks.fence.tap(({ node, needs, begin }) =>
        orNotNow(async () => {
          if (!needs.includes(`pool:${simPool}`)) return undefined;
          const { documents, write } = need();
          await begin();
          if ((await documents.get(storageBlock, node)) === undefined)
            await write([{ do: 'create', kind: storageBlock, id: node, spec: { address: '10.0.1.1', createdMs: 0 } }], {
              asPrimary: true,
              whileDead: node,
            });
          await refusing.refuse(node);
          if ((await documents.get(storageBlock, node)) === undefined) throw blockError('BLOCK_NOT_FOUND', { node });
          return { covers: [`pool:${simPool}`], text: `the storage lets ${node} in no more` };
        }),
      );
      pvc.hooks.returning.tap(({ node }) => orNotNow(() => whyNotYet(need(), refusing, node)));
      pvc.hooks.unfence.tap(({ node }) => orNotNow(() => letInAgain(need(), refusing, node)));
    },
  });
