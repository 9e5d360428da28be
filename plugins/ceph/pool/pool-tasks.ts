/** Makes, changes and removes pools. Each task may be begun again at any moment. @module */
import {
  type AnyTaskDefinition,
  defineTask,
  orTakenBack,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { type PoolSpec, pool, poolError, poolSpec } from './pool-kind.ts';
import { poolCommands } from './pool-plan.ts';

const poolList = z.array(z.looseObject({ poolname: z.string() }));

export const makeInput = z.strictObject({ spec: poolSpec, before: poolSpec.nullable() });

export function poolTasks(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition[] {
  const { host, documents } = runtime;

  const exists = async (name: string): Promise<boolean> =>
    (await ceph.ask(poolList, ['osd', 'lspools'])).some(({ poolname }) => poolname === name);

  async function makeSo(name: string, spec: PoolSpec, run: TaskRun): Promise<void> {
    const commands = poolCommands(name, spec);
    for (const [done, args] of commands.entries()) {
      run.progress(done / (commands.length + 1), `ceph ${args.join(' ')}`);
      await ceph.ceph(`the pool ${name}`, args, { signal: run.signal });
    }
    // Writes its first objects: it comes back once the placement groups can be written.
    await ceph.rbd(`the pool ${name}`, ['pool', 'init', name], { timeoutMs: 120_000, signal: run.signal });
  }

  async function destroy(name: string): Promise<void> {
    if (!(await exists(name))) return;
    // Ceph refuses this unless it is told to allow it; it stays forbidden to everybody else.
    await ceph.ceph('the removal of pools', ['config', 'set', 'mon', 'mon_allow_pool_delete', 'true']);
    try {
      await ceph.ceph(`the removal of the pool ${name}`, [
        ...['osd', 'pool', 'delete', name, name],
        '--yes-i-really-really-mean-it',
      ]);
    } finally {
      await ceph.ceph('the removal of pools', ['config', 'set', 'mon', 'mon_allow_pool_delete', 'false']);
    }
  }

  async function forget(name: string): Promise<void> {
    const doc = await documents.get(pool, name);
    if (doc !== undefined) await runtime.write([{ do: 'remove', kind: pool, before: doc }], { asPrimary: true });
  }

  async function restore(name: string, before: PoolSpec): Promise<void> {
    const doc = await documents.get(pool, name);
    if (doc !== undefined)
      await runtime.write([{ do: 'spec', kind: pool, before: doc, spec: before }], { asPrimary: true });
  }

  async function undo(run: Pick<TaskRun, 'spec' | 'phase'>): Promise<void> {
    const name = run.spec.target.id;
    const { before } = makeInput.parse(run.spec.input);
    if (before !== null) return restore(name, before);
    // One that was there before us is not ours to destroy.
    if (run.phase === 'make') await destroy(name);
    await forget(name);
  }

  async function make(run: TaskRun): Promise<unknown> {
    const name = run.spec.target.id;
    const { spec, before } = makeInput.parse(run.spec.input);
    if (run.phase === '' && before === null && (await patiently(host, run, () => exists(name))))
      throw poolError('POOL_UNFIT', { pool: name, reason: 'Ceph has a pool of that name, which PVC did not make' });
    await run.advance('make', { message: 'makes the pool' });
    await patiently(host, run, () => makeSo(name, spec, run));
    return { pool: name };
  }

  return [
    defineTask({
      action: 'pool.make',
      summary: 'makes a pool, or makes it as asked',
      ...orTakenBack(make, undo),
    }),
    defineTask({
      action: 'pool.remove',
      summary: 'removes a pool',
      async run(run) {
        const name = run.spec.target.id;
        await patiently(host, run, () => destroy(name));
        await forget(name);
        return { pool: name };
      },
    }),
  ];
}
