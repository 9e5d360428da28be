/** Has storage plugins take the disks of a machine that somebody asked for, once its node is ready; once for each node. @module */
import { type AnyController, defineController, node, type Runtime, type Step } from '../../../core/plugin/api.ts';
import { type DisksHook, troubles, underWay } from './disk-wish.ts';
import type { MachineBook } from './machine-book.ts';
import { machine, pxeError } from './machine-kind.ts';
import type { MachineDoc } from './machine-rules.ts';
import { stateOf } from './machine-state.ts';

/** A little more than the hook `pxe.disks` has. */
const lookTimeoutMs = 20_000;
/** While disks are made part of the storage. */
const lookMs = 10_000;

/** Pure. @param there whether there is a node of its name */
export function planDisks(
  doc: MachineDoc | undefined,
  there: boolean,
): { readonly steps: readonly Step[]; readonly againInMs?: number } {
  const wish = doc?.spec.disks;
  if (doc === undefined || wish === undefined) return { steps: [] };
  const { name } = doc.spec;
  if (!there)
    return wish.done
      ? { steps: [{ do: 'forget', text: `note that there is no node ${name} any more`, timeoutMs: 10_000 }] }
      : { steps: [] };
  if (wish.done || stateOf(doc) !== 'ready') return { steps: [] };
  return {
    steps: [{ do: 'take', text: `make disks of ${name} part of the storage`, timeoutMs: lookTimeoutMs }],
    againInMs: lookMs,
  };
}

export function diskController(
  { documents, write }: Pick<Runtime, 'documents' | 'write'>,
  book: Pick<MachineBook, 'note'>,
  hook: DisksHook,
): AnyController {
  return defineController({
    name: 'machine-disks',
    summary: 'makes disks of nodes that have come from machines part of the storage, where that was asked for',
    kind: machine,
    scope: 'primary',
    async observe(_id, doc): Promise<boolean> {
      const name = doc?.spec.name ?? undefined;
      return name !== undefined && (await documents.get(node, name)) !== undefined;
    },
    plan: (doc, there) => planDisks(doc, there),
    async apply(step, id) {
      const doc = await documents.need(machine, id);
      const { disks, ...rest } = doc.spec;
      if (disks === undefined || rest.name === null) return;
      const { done: _done, ...wish } = disks;
      if (step.do === 'forget')
        return write([{ do: 'spec', kind: machine, before: doc, spec: { ...rest, disks: wish } }], { asPrimary: true });
      const { value: outcomes } = await hook.call([], { node: rest.name, take: wish.take, askedMs: wish.askedMs });
      if (outcomes.length === 0 && wish.take !== 'all')
        throw pxeError('MACHINE_DISKS', { mac: id, node: rest.name, reasons: 'no plugin of a storage has answered' });
      await book.note(id, { type: 'disks', outcomes });
      const wrong = troubles(outcomes);
      if (wrong.length > 0) throw pxeError('MACHINE_DISKS', { mac: id, node: rest.name, reasons: wrong.join('; ') });
      if (underWay(outcomes)) return;
      // Whoever has changed the wish meanwhile is asked for anew.
      await write([{ do: 'spec', kind: machine, before: doc, spec: { ...rest, disks: { ...wish, done: true } } }], {
        asPrimary: true,
      });
    },
  });
}
