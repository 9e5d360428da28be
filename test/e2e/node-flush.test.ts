/**
 * A node is emptied while everything goes wrong: one guest cannot move, one does not heed its shutdown, and the primary, which
 * carries the work out, loses its power in the midst. Its successor goes on, and says at the end who stayed and why.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { bmcOf, nodeOf } from '../lab/topology.ts';
import { qemus } from './node-process.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';

const patient = { timeoutMs: 240_000, everyMs: 500 };
const movable = ['one', 'two', 'three', 'four'];
const [emptied, primary, asked] = ['hv3', 'hv1', 'hv2'];

describe('a node that is emptied', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });

  /** The nodes on which the guest runs: QEMU's processes are asked, not PVC. */
  async function placesOf(name: string): Promise<string[]> {
    const places: string[] = [];
    for (const node of [emptied, asked]) if ((await qemus(lab(), node)).has(name)) places.push(node);
    return places;
  }

  before(async () => {
    const bmc = bmcOf(nodeOf(lab().record.topology, primary));
    await lab().writeFile(asked, '/root/bmc', `${bmc.password}\n`);
    const where = ['--address', bmc.address, '--user', bmc.user, '--password-file', '/root/bmc'];
    (await lab().pvc(asked, ['node', 'bmc', 'set', primary, ...where, '--cipher-suite', '3'])).ok();
    const at = ['--node', emptied, '--start'];
    const shutdown = ['--method', 'shutdown', '--shutdown-timeout', '10', '--on-timeout', 'fail'];
    for (const name of movable) await TestGuest.create(lab(), name, { args: at });
    await TestGuest.create(lab(), 'tied', { args: [...at, '--limit', emptied] });
    await TestGuest.create(lab(), 'deaf', { args: [...at, ...shutdown], cmdline: 'pvc.ignore_acpi=1' });
    await lab().waitFor(
      'all to run',
      async () => (await lab().ask(asked, 'vm.list', {})).every(({ state }) => state === 'running'),
      patient,
    );
    if ((await lab().primary(asked)) !== primary) (await lab().pvc(asked, ['node', 'primary', primary])).ok();
  });

  it('keeps what cannot leave, and loses nothing when the primary dies in the midst', async (t: TestContext) => {
    const plan = (await lab().pvc(asked, ['node', 'flush', emptied, '--plan'])).ok();
    assert.match(plan.stdout + plan.stderr, /tied/);
    const fromMs = performance.now();
    const tell = (what: string): void => t.diagnostic(`${((performance.now() - fromMs) / 1000).toFixed(1)} s: ${what}`);
    (await lab().pvc(asked, ['node', 'flush', emptied, '--no-wait'])).ok();
    await lab().waitFor(
      'the first guest to have left',
      async () => (await lab().ask(asked, 'vm.list', {})).some(({ node }) => node !== emptied),
      patient,
    );
    tell('the first has left, and the primary loses its power');
    await lab().power(primary, 'off');
    const ended = await lab().waitFor(
      'the work to end',
      async () => {
        const [task] = await lab().ask(asked, 'task.list', { action: 'node.flush' });
        return task !== undefined && ['done', 'failed', 'cancelled'].includes(task.state) && task;
      },
      patient,
    );
    tell(`the work has ended: ${ended.error?.message ?? ended.state}`);
    assert.equal(ended.error?.code, 'NODE_NOT_EMPTY');
    assert.match(ended.error.message, /^2 guests are still on hv3: /);
    assert.match(ended.error.message, /tied/);
    assert.match(ended.error.message, /deaf/);
    for (const name of movable)
      await lab().waitFor(
        `${name} to run on ${asked}, and there alone`,
        async () => {
          const { state, node } = await lab().ask(asked, 'vm.info', { vm: name });
          return state === 'running' && node === asked && (await placesOf(name)).join() === asked;
        },
        patient,
      );
    tell('the others run elsewhere, each once');
    for (const name of ['tied', 'deaf']) {
      const { state, node } = await lab().ask(asked, 'vm.info', { vm: name });
      assert.deepEqual([name, state, node, await placesOf(name)], [name, 'running', emptied, [emptied]]);
    }
    const { domainState } = await lab().ask(asked, 'node.info', { node: emptied });
    assert.notEqual(domainState, 'ready', 'it takes no guests');
    assert.deepEqual(await lab().ask(asked, 'task.list', { state: 'active' }), []);
  });
});
