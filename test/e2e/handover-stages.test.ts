/** The primary's role is handed over, and the daemon dies at each stage of that, on either side. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type AddressWatch, watchAddress } from '../lab/address-watch.ts';
import { pluginFile } from './broken-plugins.ts';
import { installPlugin } from './install-plugin.ts';
import { nodeProcesses } from './node-process.ts';
import { suiteLab } from './test-lab.ts';

const pluginPath = '/etc/pvc/plugins.d/brake.cjs';
/** Where the role is to stand still: `HOOK STAGE`. */
const brake = '/var/lib/brake';
const floating = '10.10.0.10';
const gateway = '10.20.0.1';

/** Stands still behind each stage when it is told to, for as long as a plugin may. */
const plugin = pluginFile(
  'brake',
  `
  const fs = require('node:fs');
  const stages = pvc.api.primaryStages;
  for (const hook of ['becomePrimary', 'leavePrimary'])
    for (const [name, stage] of Object.entries(stages))
      pvc.hooks[hook].tap(async () => {
        let told = '';
        try { told = fs.readFileSync('${brake}', 'utf8').trim(); } catch {}
        if (told !== hook + ' ' + name) return;
        fs.rmSync('${brake}');
        fs.writeFileSync('${brake}.hit', told);
        await new Promise((resolve) => setTimeout(resolve, 8000));
      }, { stage: stage + 1 });
`,
);

describe('a hand-over that dies', { timeout: 900_000, concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  const watches: AddressWatch[] = [];

  /** Nodes on which the DHCP server of a network runs. */
  const serving = async (): Promise<string[]> => {
    const found = await Promise.all(
      lab().nodes.map(async (node) => {
        const words = await nodeProcesses(lab(), node, (argv) => argv.some((word) => word.includes('dnsmasq')));
        return words.length > 0 ? [node] : [];
      }),
    );
    return found.flat();
  };
  const holding = async (address: string): Promise<string[]> => {
    const found = await Promise.all(
      lab().nodes.map(async (node) => {
        const { stdout } = await lab().exec(node, ['ip', '-o', 'address', 'show', 'to', address]);
        return stdout.trim() === '' ? [] : [node];
      }),
    );
    return found.flat();
  };
  /** Waits until one node, as all tell, is primary, and has all that is the primary's, and nobody else has any. */
  const atRest = () =>
    lab().waitFor(
      'everything to be where the primary is',
      async () => {
        const named = await Promise.all(lab().nodes.map((node) => lab().primary(node)));
        const [primary] = named;
        if (primary === undefined || named.some((one) => one !== primary)) return false;
        for (const held of [await holding(floating), await holding(gateway), await serving()])
          if (held.join() !== primary) return false;
        return primary;
      },
      { timeoutMs: 120_000 },
    );

  before(async () => {
    await installPlugin(lab(), pluginPath, plugin);
    await lab().waitFor('all nodes to run', async () =>
      (await lab().ask('hv2', 'node.list', {})).every(({ daemon }) => daemon === 'run'),
    );
    const addresses = ['--ipv4', '10.20.0.0/24', '--gateway4', gateway, '--domain', 'office.example'];
    (await lab().pvc('hv1', ['network', 'add', 'office', ...addresses])).ok();
    (await lab().pvc('hv1', ['network', 'dhcp', 'enable', 'office'])).ok();
    await atRest();
    for (const address of [floating, gateway]) watches.push(watchAddress(lab().record.topology, address));
  });
  after(async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
  });

  for (const hook of ['leavePrimary', 'becomePrimary'] as const)
    for (const stage of ['ADDRESS', 'GATEWAY', 'DHCP', 'DNS'] as const)
      it(`${hook === 'leavePrimary' ? 'in the old primary' : 'in the new one'} behind ${stage} comes to its end`, async (t: TestContext) => {
        const old = await atRest();
        const next = lab().nodes.find((node) => node !== old) ?? assert.fail('one node only');
        const victim = hook === 'leavePrimary' ? old : next;
        await lab().writeFile(victim, brake, `${hook} ${stage}\n`);
        const handing = lab().pvc(old, ['node', 'primary', next], { accept: 'any' });
        await lab().waitFor(
          `${victim} to stand still`,
          async () => (await lab().exec(victim, ['ls', `${brake}.hit`], { accept: 'any' })).code === 0,
          { everyMs: 50 },
        );
        await lab().exec(victim, ['rm', `${brake}.hit`]);
        await lab().daemon(victim, 'kill');
        const fromMs = performance.now();
        const now = await atRest();
        t.diagnostic(`${victim} died, ${now} had all of it ${Math.round(performance.now() - fromMs) / 1000} s later`);
        await handing;
        for (const watch of watches) {
          assert.deepEqual(watch.overlaps, []);
          assert.ok(watch.looks() > 10);
        }
      });
});
