/** Guests out of files that `vm snapshot export` has written. @module */
import {
  defineMutation,
  defineQuery,
  formatBytes,
  names,
  node as nodeKind,
  type PlanBuilder,
  type PlanContext,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';
import { answerOf, vmAnswer } from '../operations/common.ts';
import { planGuest } from '../operations/new-guest.ts';
import {
  planInStores,
  poolOf,
  storeFor,
  type VolumeStore,
  type VolumeStoreHook,
  volumeStores,
} from '../snapshot/volume-store.ts';
import { vm } from '../vm-kind.ts';
import { chainOf, type ExportSet } from './chain.ts';
import { exportError } from './export-errors.ts';
import { nodeOfFiles } from './export-operations.ts';
import { type Imported, importOf } from './import-plan.ts';
import { readManifest } from './manifest.ts';
import { readSets } from './read-sets.ts';
import type { importInput } from './task-inputs.ts';

const importTimeoutMs = 24 * 3_600_000;

const directories = z.array(names.absolutePath).min(1).max(1000);
const looked = z.array(z.object({ directory: z.string(), manifest: z.string().describe('the manifest, as JSON') }));

/** Plans the volumes. @returns their ids by target @throws PvcError VM_IMPORT_UNFIT, and what the storage refuses */
async function planVolumes(
  plan: PlanBuilder,
  context: PlanContext,
  stores: readonly VolumeStore[],
  { volumes, readOnly }: Imported,
  { name, force }: { readonly name: string; readonly force: boolean },
): Promise<ReadonlyMap<string, string>> {
  const unfit = (reason: string) => exportError('VM_IMPORT_UNFIT', { vm: name, reason });
  for (const { target, volume } of readOnly)
    if (!(await Promise.all(stores.map((store) => store.has(volume)))).includes(true))
      throw unfit(`its disk ${target} reads the volume ${volume}, which is not here`);
  const storeOf = async ({ volume, newest: { form } }: (typeof volumes)[number]): Promise<VolumeStore> => {
    const store = await storeFor(stores, { volume, form });
    if (store === undefined)
      throw unfit(`there is no pool ${poolOf(volume)} that takes copies of the form ${form}; --pool names one`);
    return store;
  };
  const ids = await planInStores(volumes, storeOf, async (store, some) => {
    const makes = some.map(({ volume, newest: { sizeBytes, settings } }) => ({ volume, sizeBytes, settings }));
    const made = await store.planMake(plan, context, makes, force);
    for (const { target, volume, newest } of some)
      plan.act(`make ${target} (${volume}, ${formatBytes(newest.sizeBytes)})`);
    return made;
  });
  return new Map([...ids].map(([{ target }, id]) => [target, id]));
}

export function importOperations(need: () => { readonly runtime: Runtime }, hook: VolumeStoreHook) {
  /** @throws PvcError VM_EXPORT_UNFIT, NODE_UNREACHABLE */
  async function setsOn(node: string, paths: readonly string[]): Promise<ExportSet[]> {
    const { runtime } = need();
    const answer = looked.parse(await runtime.ask('vm.export-look', { node, directories: paths }, runtime.signal));
    return answer.map(({ directory, manifest: text }) => {
      const read = readManifest(text);
      if ('problem' in read) throw exportError('VM_EXPORT_UNFIT', { path: directory, node, reason: read.problem });
      return { directory, manifest: read.manifest };
    });
  }

  return [
    defineQuery({
      name: 'vm.export-look',
      summary: 'What exports of guests that lie on a node say that they are',
      description: 'Called by `vm import`. The content of the disks is not read.',
      // Its input may be too long for a path.
      http: { method: 'POST', path: '/nodes/{node}/guest-exports' },
      role: 'admin',
      input: z.strictObject({ node: names.nodeName, directories }),
      output: looked,
      on: async (_context, { node }) => node,
      async run(_context, { node, directories: paths }) {
        const sets = await readSets(need().runtime.host, node, paths);
        return sets.map(({ directory, manifest }) => ({ directory, manifest: JSON.stringify(manifest) }));
      },
    }),
    defineMutation({
      name: 'vm.import',
      summary: 'Make a guest of what `vm snapshot export` has written',
      description:
        'Takes one full export and those that build on it, in any order. All is checked before anything is written. The guest gets its disks, its definition, and the state that it had: one that ran is started. While the guest that was exported is there, another name is needed; its volumes are then named NAME-TARGET, and it gets a UUID and MAC addresses of its own.',
      http: { method: 'POST', path: '/vms/import' },
      cli: {
        command: 'vm import',
        arguments: [{ field: 'directories', value: 'DIRECTORY', rest: true, complete: 'file' }],
        options: { node: { complete: 'node' }, runOn: { complete: 'node' }, pool: { complete: 'pool' } },
        waits: true,
        examples: [
          'pvc vm import /backup/web1@sunday /backup/web1@monday',
          'pvc vm import /backup/web1@sunday --name web1-test --no-start',
        ],
      },
      role: 'admin',
      input: z.strictObject({
        directories: directories.describe('directories of exports'),
        name: names.objectName.optional().describe('name of the guest (its own)'),
        node: names.nodeName.optional().describe('node that has the files (the primary)'),
        pool: names.objectName.optional().describe('pool for all of its volumes (those that they were in)'),
        runOn: names.nodeName.optional().describe('node that the guest is for; chosen by its selector unless given'),
        start: z.boolean().optional().describe('start it, or not (as it was)'),
        force: z.boolean().default(false).describe('even if a pool could run full'),
      }),
      output: vmAnswer,
      async plan(plan, context, { directories: paths, name, node: wanted, pool, runOn, start, force }) {
        const { view } = context;
        const node = await nodeOfFiles(context, wanted);
        const ordered = chainOf(await setsOn(node, paths));
        if ('problem' in ordered) throw exportError('VM_EXPORT_CHAIN', { node, reason: ordered.problem });
        const { chain } = ordered;
        const { guest } = (chain.at(-1) ?? chain[0]).manifest;
        const beside = (await view.get(vm, guest.uuid)) !== undefined;
        const imported = importOf(chain, { name, pool, beside });
        for (const warning of imported.warnings) plan.warn(warning);
        const nodes = (await view.list(nodeKind)).map(({ id }) => id);
        const limit = guest.meta.limit.filter((one) => nodes.includes(one));
        if (limit.length < guest.meta.limit.length)
          plan.warn(
            `it was limited to ${guest.meta.limit.join(', ')}, of which here are: ${limit.join(', ') || 'none'}`,
          );
        const rest = { ...guest.meta, limit, run: 'stopped' as const, autostart: false };
        const doc = await planGuest(plan, context, imported.defined, rest, runOn);
        const ids = await planVolumes(plan, context, await volumeStores(hook), imported, {
          name: doc.spec.name,
          force,
        });
        const off = guest.meta.run === 'disabled' ? 'disabled' : 'stopped';
        const run = start === undefined ? guest.meta.run : start ? 'running' : off;
        const input: z.input<typeof importInput> = {
          name: doc.spec.name,
          volumes: imported.volumes.map(({ target, volume, newest, copies }) => ({
            id: ids.get(target) ?? '',
            target,
            volume,
            form: newest.form,
            copies: copies.map(({ directory, file, bytes, sha256, snapshot, since, sizeBytes }) => ({
              ...{ directory, file, bytes, sha256 },
              ...{ snapshot, since, sizeBytes },
            })),
          })),
          disks: [...imported.disks],
          run,
          autostart: guest.meta.autostart,
        };
        plan.task({
          action: 'vm.import',
          target: { kind: 'vm', id: doc.id, label: doc.spec.name },
          node,
          input,
          timeoutMs: importTimeoutMs,
        });
        for (const { directory } of chain) plan.act(`check ${directory} on ${node}, and fill the disks from it`);
        if (run === 'running') plan.act(`start ${doc.spec.name} on ${doc.spec.node}`);
        return answerOf({ ...doc, spec: { ...doc.spec, run } });
      },
    }),
  ];
}
