/** Ends what of this node was cut off from resources to which the node is to be let in again, and tells that it has. @module */
import { type CutOffSpec, type CutOffStatus, cutOff, isEnded } from '../../model/cut-off-kind.ts';
import type { Doc } from '../../model/kind.ts';
import { endsOf } from '../../plugin/fence-hooks.ts';
import type { Hooks } from '../../plugin/hooks.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { type Controller, defineController, type ReconcilePlan, type Step } from '../../reconcile/controller.ts';

const againMs = 2_000;

/** Pure. */
export function planCutOff(doc: Doc<CutOffSpec, CutOffStatus> | undefined): ReconcilePlan {
  if (doc === undefined || isEnded(doc.status, doc.spec.mark)) return { steps: [] };
  const text = `end what was cut off from ${doc.spec.resources.join(', ')} and has lost it`;
  return { steps: [{ do: 'end', text, timeoutMs: 60_000 }], againInMs: againMs };
}

export function cutOffController(
  { documents, node, host, write }: Pick<Runtime, 'documents' | 'node' | 'host' | 'write'>,
  { cutOff: hook }: Pick<Hooks, 'cutOff'>,
): Controller<CutOffSpec, CutOffStatus, null, Step> {
  const log = host.log.child('fence');
  return defineController<CutOffSpec, CutOffStatus, null, Step>({
    name: 'cut-off',
    summary: 'ends what of this node was cut off from resources, before it is let in again',
    kind: cutOff,
    scope: 'node',
    mine: ({ spec }, name) => spec.node === name,
    async observe(_id, doc) {
      // Whoever asked for it has let the node in, or needs it no more: what a plugin could not end is no trouble then.
      if (doc === undefined) hook.over();
      return null;
    },
    plan: planCutOff,
    async apply(_step, id) {
      const { mark, resources } = (await documents.need(cutOff, id)).spec;
      const answers = await hook.call({ node, resources });
      const { ended, left: said } = endsOf(answers);
      const left = answers.length < hook.tappedBy().length ? [...said, 'a plugin could not end its part yet'] : said;
      if (ended.length + left.length > 0)
        log.warn('what was cut off from the storage is ended, since it has lost its disks', { ended, left });
      const before = await documents.need(cutOff, id);
      await write([{ do: 'status', kind: cutOff, before, status: { mark, ended: [...ended], left: [...left] } }]);
    },
  });
}
