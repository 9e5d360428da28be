/** Keeps the daemons of this node's OSDs running, and ends those that are to be none any more. @module */
import { defineController, type Step } from '../../../core/plugin/api.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { type OsdStatus, osd } from './osd-kind.ts';

interface OsdStep extends Step {
  readonly do: 'serve' | 'end';
}

export function osdController(daemons: OsdDaemons) {
  return defineController({
    name: 'storage-osd',
    summary: 'keeps the OSDs of this node running',
    kind: osd,
    scope: 'node',
    mine: (doc, name) => doc.spec.node === name,
    present: async () => daemons.numbers,
    observe: async (id) => ({ service: daemons.status(id) }),
    plan(doc, { service }) {
      const wanted = doc?.spec.serve === true;
      if (wanted && service === undefined)
        return { steps: [{ do: 'serve', text: `keep osd running`, timeoutMs: 60_000 }] satisfies OsdStep[] };
      if (!wanted && service !== undefined)
        return { steps: [{ do: 'end', text: `end the OSD`, timeoutMs: 90_000 }] satisfies OsdStep[] };
      return { steps: [], againInMs: 10_000 };
    },
    apply: (step: OsdStep, id) => (step.do === 'serve' ? daemons.serve(id) : daemons.end(id)),
    report: (doc, { service }, conditions): OsdStatus => ({
      daemon: service === undefined ? (doc.spec.serve ? 'starting' : 'stopped') : service.state,
      conditions: [...conditions],
    }),
  });
}
