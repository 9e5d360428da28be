/**
 * The storage that all nodes share, and the plugin by which daemons know it: volumes of the pool `sim`, which a node can be
 * shut out of. What a node that is shut out writes does not come through, and no guest with a volume starts there.
 * @module
 */
import { definePlugin, orNotNow, type PluginDefinition, PvcError, type Runtime } from '../../core/plugin/api.ts';
import { blockError, storageBlock } from '../../plugins/ceph/client/block-kind.ts';
import type { Guests } from './guests.ts';
import type { Life } from './life.ts';
import type { Trace } from './trace.ts';

export const simPool = 'sim';

export interface StorageParts {
  readonly trace: Trace;
  readonly guests: Guests;
}

export class Storage {
  readonly #parts: StorageParts;
  readonly #shutOut = new Set<string>();
  /** Nodes that get no answers from it. */
  readonly #stalled = new Set<string>();
  /** Says that it has shut a node out, and has not. */
  deceives = false;

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  get shutOut(): ReadonlySet<string> {
    return this.#shutOut;
  }

  stalls(node: string): boolean {
    return this.#stalled.has(node);
  }

  /** From now on what the node asks of it is not answered; or is again. */
  stall(node: string, stalls: boolean): void {
    if (stalls === this.#stalled.has(node)) return;
    if (stalls) this.#stalled.add(node);
    else this.#stalled.delete(node);
    this.#parts.trace.world('storage', stalls ? `does not answer ${node}` : `answers ${node} again`);
  }

  shut(node: string): void {
    if (this.deceives || this.#shutOut.has(node)) return;
    this.#shutOut.add(node);
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

/** As long as the plugin ceph waits for an answer before it asks anew. */
const answerWithinMs = 5_000;

/** As the plugin ceph does it (client/fence.ts, client/guest-disk.ts), on the pretended storage. */
export const storagePlugin = (storage: Storage, life: Life): PluginDefinition =>
  definePlugin({
    name: 'storage',
    api: '^1',
    summary: 'the pretended storage',
    apply(pvc) {
      let runtime: Runtime | undefined;
      /** Something is asked of the storage from this node. @throws PvcError when it does not answer */
      const ask = async (name: string, act: () => void): Promise<void> => {
        const { host, node } = need();
        if (storage.stalls(node)) {
          await host.clock.sleep(answerWithinMs);
          throw new PvcError('STORAGE_SILENT', 'the storage does not answer', {
            hint: 'It is asked again.',
            http: 504,
            exit: 'failed',
          });
        }
        await life.call(name, async () => act());
      };
      const need = (): Runtime => {
        if (runtime === undefined) throw new Error('the storage plugin has not started');
        return runtime;
      };
      pvc.hooks.kinds.tap(() => [storageBlock]);
      pvc.hooks.start.tap((started) => {
        runtime = started;
      });
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
          await ask('storage.shut', () => storage.shut(node));
          if ((await documents.get(storageBlock, node)) === undefined) {
            await ask('storage.letIn', () => storage.letIn(node));
            throw blockError('BLOCK_NOT_FOUND', { node });
          }
          return { covers: [`pool:${simPool}`], text: `the storage lets ${node} in no more` };
        }),
      );
      pvc.hooks.unfence.tap(({ node }) =>
        orNotNow(async () => {
          const before = await need().documents.get(storageBlock, node);
          if (before === undefined) return [];
          await ask('storage.letIn', () => storage.letIn(node));
          await need().write([{ do: 'remove', kind: storageBlock, before }], { asPrimary: true });
          return [];
        }),
      );
    },
  });
