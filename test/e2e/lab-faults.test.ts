/** What the lab does to nodes is what happens to real ones: power by the BMC, cables that are pulled or carry nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labStatus } from '../lab/status.ts';
import { suiteLab, type TestLab } from './test-lab.ts';

describe('the faults of a lab', () => {
  const opened = suiteLab({ nodes: 3 });

  const power = async (lab: TestLab, from: string, node: string, verb: string): Promise<string> => {
    const { code, stdout, stderr } = await lab.ipmi(from, node, ['chassis', 'power', verb]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const cutOf = async (lab: TestLab, node: string) =>
    (await labStatus(lab.record)).find(({ name }) => name === node)?.cut;
  const runs = (lab: TestLab, node: string) => async () =>
    (await lab.ask(node, 'node.info', { node })).daemon === 'run';

  it('switch a node off and on by its BMC, which lives on without it', async () => {
    const lab = opened();
    assert.match(await power(lab, 'hv1', 'hv3', 'status'), /is on$/);
    await power(lab, 'hv1', 'hv3', 'off');
    await assert.rejects(lab.exec('hv3', ['true']), /hv3 is off/);
    assert.match(await power(lab, 'hv2', 'hv3', 'status'), /is off$/);
    await power(lab, 'hv2', 'hv3', 'on');
    await lab.waitFor('hv3 to run again', runs(lab, 'hv3'), { timeoutMs: 60_000 });
    assert.match(await power(lab, 'hv1', 'hv3', 'status'), /is on$/);
  });

  it('let nobody in with a wrong password, and tell who cannot reach a BMC within a bounded time', async () => {
    const lab = opened();
    const wrong = await lab.ipmi('hv1', 'hv2', ['chassis', 'power', 'status'], 'wrong');
    assert.notEqual(wrong.code, 0);
    await lab.cable('hv2', 'bmc', 'down');
    try {
      assert.deepEqual(await cutOf(lab, 'hv2'), ['bmc']);
      const unreachable = await lab.ipmi('hv1', 'hv2', ['-R', '1', '-N', '1', 'chassis', 'power', 'status']);
      assert.notEqual(unreachable.code, 0);
      assert.equal((await lab.ask('hv2', 'node.info', { node: 'hv2' })).daemon, 'run');
    } finally {
      await lab.cable('hv2', 'bmc', 'up');
    }
    assert.match(await power(lab, 'hv1', 'hv2', 'status'), /is on$/);
  });

  for (const directions of [['in', 'out'], ['in'], ['out']] as const) {
    it(`make a link carry nothing (${directions.join(' and ')}): the node knows that it has lost the state, and converges`, async () => {
      const lab = opened();
      const primary = await lab.waitFor('a primary', () => lab.primary('hv1'));
      const victim = primary === 'hv3' ? 'hv2' : 'hv3';
      await lab.silence(victim, 'cluster', directions);
      try {
        assert.deepEqual(await cutOf(lab, victim), [
          `cluster silently${directions.length === 2 ? '' : ` ${directions[0]}`}`,
        ]);
        const carrier = await lab.exec(victim, ['cat', '/sys/class/net/cluster/carrier']);
        assert.equal(carrier.stdout.trim(), '1');
        await lab.waitFor(
          'the node to refuse changes',
          async () => (await lab.pvc(victim, ['node', 'ready', victim, '--no-wait'])).code === 7,
          { timeoutMs: 60_000 },
        );
        await lab.waitFor(
          'the others to see it gone',
          async () => (await lab.ask(primary, 'node.info', { node: victim })).daemon !== 'run',
          { timeoutMs: 60_000 },
        );
      } finally {
        await lab.endSilence(victim, 'cluster');
      }
      assert.deepEqual(await cutOf(lab, victim), []);
      await lab.waitFor('the node to be back', runs(lab, victim), { timeoutMs: 60_000 });
      // Another may have become primary meanwhile: the ensemble's leader may have been on the node that was cut off.
      await lab.waitFor('all nodes to name one primary', async () => {
        const named = new Set(await Promise.all(lab.nodes.map((node) => lab.primary(node))));
        return named.size === 1 && !named.has(undefined);
      });
    });
  }
});
