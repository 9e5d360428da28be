/** Real storage in a lab, from blank nodes, by commands of pvc alone. @module */
import { storageNetwork } from '../lab/topology.ts';
import type { TestLab } from './test-lab.ts';

/** What an OSD in a file needs at least lies below /var: that alone is a node's own in a lab. */
export const osdFile = '/var/lib/pvc-osd0';

/** One OSD on each node, a pool `vms`, and everything well. */
export async function makeStorage(lab: TestLab): Promise<void> {
  const [first = ''] = lab.nodes;
  const run = async (...args: string[]) => (await lab.pvc(first, ['storage', ...args])).ok();
  await run('init', '--network', storageNetwork);
  await Promise.all(lab.nodes.map((node) => run('osd', 'add', node, osdFile, '--size', '6G', '--yes')));
  await run('pool', 'add', 'vms', ...(lab.nodes.length === 1 ? ['--replicas', '1'] : []));
  await lab.waitFor(
    'the storage to be well',
    async () => {
      const status = await lab.ask(first, 'storage.status', {});
      const agreeing = status.monitors.filter((one) => one.quorum).length;
      // A pool without copies is told as a warning.
      const well = lab.nodes.length === 1 ? ['ok', 'warning'] : ['ok'];
      return well.includes(status.health) && status.osds.up === lab.nodes.length && agreeing === lab.nodes.length;
    },
    { timeoutMs: 120_000 },
  );
}
