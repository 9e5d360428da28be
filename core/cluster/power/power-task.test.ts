import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../error/error.ts';
import type { BmcAccess, NodePower } from '../../plugin/power.ts';
import type { TaskRun } from '../../task/task-definition.ts';
import { powerTask } from './power-task.ts';

/** What is asked of the power of nodes, in order. */
class Asked implements NodePower {
  readonly calls: string[] = [];

  async has(): Promise<boolean> {
    return true;
  }

  async status(): Promise<'on'> {
    return 'on';
  }

  async off(node: string): Promise<void> {
    this.calls.push(`off ${node}`);
  }

  async on(node: string): Promise<void> {
    this.calls.push(`on ${node}`);
  }

  async reset(node: string): Promise<void> {
    this.calls.push(`reset ${node}`);
  }

  async netboot(node: string): Promise<void> {
    this.calls.push(`netboot ${node}`);
  }

  async netbootBy({ node }: BmcAccess): Promise<void> {
    this.calls.push(`netboot by the BMC of ${node}`);
  }
}

/** One life of the task, from the phase that an earlier one wrote. @returns what it did, with its phases, and its result */
async function live(action: string, { phase = '', own = 'hv1' } = {}) {
  const power = new Asked();
  const run = {
    spec: { target: { kind: 'node', id: 'hv2', label: 'hv2' }, input: { action } },
    phase,
    signal: new AbortController().signal,
    advance: async (next: string) => void power.calls.push(`phase ${next}`),
  } as unknown as TaskRun;
  return { did: power.calls, result: await powerTask(own, power).run(run) };
}

describe('the task node.power', () => {
  it('switches, and tells what was read', async () => {
    assert.deepEqual(await live('off'), { did: ['off hv2'], result: { node: 'hv2', power: 'off' } });
    assert.deepEqual(await live('on'), { did: ['on hv2'], result: { node: 'hv2', power: 'on' } });
    for (const action of ['reset', 'netboot'])
      assert.deepEqual(await live(action), { did: [`${action} hv2`], result: { node: 'hv2', power: 'on' } });
  });

  it('cuts and gives power again', async () => {
    const { did, result } = await live('cycle');
    assert.deepEqual(did, ['off hv2', 'phase off', 'on hv2']);
    assert.deepEqual(result, { node: 'hv2', power: 'on' });
  });

  it('does not cut the power of a machine that boots, when an earlier life had cut it', async () => {
    assert.deepEqual((await live('cycle', { phase: 'off' })).did, ['on hv2']);
  });

  for (const action of ['off', 'cycle', 'reset', 'netboot'])
    it(`refuses ${action} where the node itself has become primary`, async () => {
      await assert.rejects(
        live(action, { own: 'hv2' }),
        (error) => error instanceof PvcError && error.code === 'POWER_OWN',
      );
    });
});
