/** Keeps the daemons of this node's OSDs running, and ends those that are to be none any more. @module */
import { defineController, type Runtime, type Step } from '../../../core/plugin/api.ts';
import { cephDirectory, runRoot } from '../cluster/ceph-files.ts';
import { cephService } from '../cluster/services.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type OsdSpec, type OsdStatus, osd } from './osd-kind.ts';
import { prepareDirectory } from './plain-osd.ts';

type Service = ReturnType<Runtime['supervise']>;

interface OsdStep extends Step {
  readonly do: 'serve' | 'end';
  readonly spec?: OsdSpec;
}

/** The services that this daemon looks after, by number of the OSD. */
export type OsdServices = Map<string, Service>;

export function osdController(runtime: Runtime, ceph: CephCommand, services: OsdServices) {
  const { host } = runtime;
  return defineController({
    name: 'storage-osd',
    summary: 'keeps the OSDs of this node running',
    kind: osd,
    scope: 'node',
    mine: (doc, name) => doc.spec.node === name,
    present: async () => [...services.keys()],
    observe: async (id) => ({ service: services.get(id)?.status() }),
    plan(doc, { service }) {
      const wanted = doc?.spec.serve === true;
      if (wanted && service === undefined)
        return {
          steps: [{ do: 'serve', text: `keep osd running`, timeoutMs: 60_000, spec: doc.spec }] satisfies OsdStep[],
        };
      if (!wanted && service !== undefined)
        return { steps: [{ do: 'end', text: `end the OSD`, timeoutMs: 90_000 }] satisfies OsdStep[] };
      return { steps: [], againInMs: 10_000 };
    },
    async apply(step: OsdStep, id) {
      if (step.do === 'serve' && step.spec !== undefined) {
        await cephDirectory(ceph, runRoot);
        await prepareDirectory(host, ceph, { id: Number(id), uuid: step.spec.uuid, backing: step.spec.backing });
        services.set(id, runtime.supervise(cephService(host, 'osd', id)));
      } else {
        await services.get(id)?.end();
        services.delete(id);
      }
    },
    report: (doc, { service }, conditions): OsdStatus => ({
      daemon: service === undefined ? (doc.spec.serve ? 'starting' : 'stopped') : service.state,
      conditions: [...conditions],
    }),
  });
}
