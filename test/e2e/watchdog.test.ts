/**
 * The watchdog of a node that has none: the nodes of a lab share the kernel of one machine, so none can be armed there. That
 * it cannot be used is told, and holds nothing up; the rest is shown by the simulator and by tests of its parts.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { suiteLab } from './test-lab.ts';

const path = '/etc/pvc/pvc.yaml';
const missing = '/dev/watchdog99';

describe('a watchdog', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 1 });
  const faultsOf = async (node: string) => (await lab().ask(node, 'node.info', { node })).faults.map(({ id }) => id);

  it('that is not there is a fault of its node, which runs; without the setting it is none', async () => {
    const [node = assert.fail('no node')] = lab().nodes;
    const before = await lab().readFile(node, path);
    const config = (parse(before) ?? {}) as object;
    await lab().writeFile(node, path, stringify({ ...config, watchdog: { device: missing, proves: true } }));
    await lab().daemon(node, 'restart');
    await lab().waitFor('the fault', async () => (await faultsOf(node)).includes(`node.watchdog:${node}`));
    const { faults, watchdog, daemon } = await lab().ask(node, 'node.info', { node });
    assert.match(
      faults.find(({ id }) => id === `node.watchdog:${node}`)?.message ?? '',
      /\/dev\/watchdog99 cannot be used/,
    );
    assert.deepEqual([watchdog, daemon], [null, 'run']);
    await lab().writeFile(node, path, before);
    await lab().daemon(node, 'restart');
    await lab().waitFor('the fault to go', async () => !(await faultsOf(node)).includes(`node.watchdog:${node}`));
  });

  it('that is described wrong is told with its line', async () => {
    const [node = assert.fail('no node')] = lab().nodes;
    const wrong = '/root/wrong.yaml';
    await lab().writeFile(node, wrong, 'watchdog:\n  device: /dev/sda\n  timeoutS: 3\n');
    const { code, stdout, stderr } = await lab().pvc(node, ['--config', wrong, 'config', 'check']);
    assert.notEqual(code, 0);
    assert.match(`${stdout}${stderr}`, /2:3 watchdog\.device: a watchdog is \/dev\/watchdog0/);
    assert.match(`${stdout}${stderr}`, /3:3 watchdog\.timeoutS/);
  });
});
