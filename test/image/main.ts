/**
 * `npm run test:image [-- --nodes N] [-- --firmware efi]`: a blank server beside a lab is switched on, becomes a node from the image in dist/image
 * (`npm run build:image`), and a guest runs on it. Prints when each stage was reached. Emulated it takes many minutes.
 * @module
 */
import assert from 'node:assert/strict';
import { access, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inRepository } from '../../build/paths.ts';
import { BootMachine } from '../e2e/boot-machine.ts';
import { TestGuest } from '../e2e/test-guest.ts';
import { type TestLab, withLab } from '../e2e/test-lab.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { pathOn } from '../lab/exec.ts';
import { run } from '../lab/run.ts';
import { readWords } from '../tool.ts';

const usage = `A blank server becomes a node from dist/image, and runs a guest. Root; build it first: npm run build:image.

  npm run test:image -- [--nodes NUMBER] [--firmware bios|efi]

  --nodes     nodes of the lab, of which the first three are coordinators (1)
  --firmware  of the server (bios)
`;
const { values } = readWords('npm run test:image', usage, {
  options: { nodes: { type: 'string', default: '1' }, firmware: { type: 'string', default: 'bios' } },
});
const { firmware } = values;
assert.ok(firmware === 'bios' || firmware === 'efi', `--firmware ${firmware}: not bios or efi`);

const mac = '52:54:00:70:76:d4';
const uuid = '5c0e3f6e-2e1d-4f7a-9d39-0123456789ac';
const [name, address] = ['hv9', '10.10.0.19'];
const imageFiles = ['vmlinuz', 'initrd.img', 'root.squashfs'];
/** A server without hardware that runs it takes its time, the more on a busy machine. */
const patience = { timeoutMs: 45 * 60_000, everyMs: 1_000 };

for (const file of imageFiles)
  await access(inRepository(`dist/image/${file}`)).catch(() => {
    throw new Error(`dist/image/${file} is not there: npm run build:image`);
  });

const work = await mkdtemp(join(tmpdir(), 'pvc-image-test-'));
try {
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
  await withLab({ nodes: Number(values.nodes), store: 'zookeeper' }, provision);
} finally {
  await rm(work, { recursive: true, force: true });
}

/** The small guest, and a way in: what a site would add. */
async function makeSite(lab: TestLab): Promise<string> {
  const site = join(work, 'site');
  const guest = join(site, guestDirectory);
  await mkdir(guest, { recursive: true });
  for (const file of ['vmlinuz', 'initrd']) await copyFile(join(lab.record.guest, file), join(guest, file));
  await mkdir(join(site, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await copyFile(join(work, 'key.pub'), join(site, 'root/.ssh/authorized_keys'));
  await run([
    'tar',
    '--owner=root',
    '--group=root',
    '--mode=go-w',
    '-C',
    site,
    '-cf',
    join(work, 'site.tar'),
    'var',
    'root',
  ]);
  return join(work, 'site.tar');
}

async function provision(lab: TestLab): Promise<void> {
  const pvc = async (...args: string[]) => (await lab.pvc('hv1', [...args, '--yes'])).ok();
  const info = () => lab.ask('hv1', 'machine.info', { machine: mac });
  /** A command on the new node itself, from a node of the lab: it is in no namespace of ours. */
  const onMachine = async (...argv: string[]): Promise<string> => {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=20'];
    const ssh = ['ssh', '-i', join(work, 'key'), ...options.flatMap((one) => ['-o', one]), `root@${address}`];
    return (await lab.exec('hv1', [...ssh, ...argv])).stdout;
  };

  const site = await makeSite(lab);
  for (const node of lab.nodes)
    for (const from of [...imageFiles.map((file) => inRepository(`dist/image/${file}`)), site]) {
      const to = await pathOn(lab.record, node, `/var/lib/pvc/provisioning/${from.slice(dirname(from).length + 1)}`);
      await mkdir(dirname(to), { recursive: true });
      await copyFile(from, to);
    }
  await pvc('network', 'add', 'office');
  const network = ['--device', 'cluster', '--address', '10.10.0.9/24', '--range', '10.10.0.200-10.10.0.220'];
  await pvc('provisioner', 'network', 'set', ...network);

  const beginMs = Date.now();
  const say = (text: string, atMs = Date.now()): void =>
    console.log(`${((atMs - beginMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  await using server = await BootMachine.start(lab, {
    ...{ firmware: firmware === 'efi' ? 'efi' : 'bios', mac, uuid, network: 'cluster', memoryMiB: 3072 },
  } as const);
  const evidence = async (): Promise<string> => {
    const told = await lab.pvc('hv1', ['provisioner', 'machine', 'info', mac]);
    return `${told.stdout}\n--- its console\n${(await server.console()).slice(-6000)}\n${await lab.evidence()}`;
  };
  const waitFor = <T>(what: string, probe: () => Promise<T>) => lab.waitFor(what, probe, { ...patience, evidence });

  say('switched on');
  await waitFor('it to be discovered', async () => (await info()).state === 'discovered');
  say('discovered');
  await pvc('provisioner', 'machine', 'accept', mac, '--name', name, '--address', address);
  say('accepted');
  let told = 0;
  const ready = await waitFor('it to be ready', async () => {
    const { state, boots, reason } = await info();
    const log = boots.at(-1)?.log ?? [];
    for (const { atMs, text } of log.slice(told)) say(text, atMs);
    told = log.length;
    return (state === 'ready' || state === 'failed') && { state, reason, boots: boots.length };
  });
  if (ready.state === 'failed') assert.fail(`${ready.reason}\n${await evidence()}`);
  assert.equal(ready.boots, 1, 'the first boot did it');
  say('ready');

  const node = await lab.ask('hv1', 'node.info', { node: name });
  assert.equal(node.role, 'hypervisor');
  assert.equal(await onMachine('hostname'), `${name}\n`);
  const guest = await TestGuest.create(lab, 'a', { args: ['--node', name, '--nic', 'network=office', '--start'] });
  const coordinators = Math.min(lab.nodes.length, 3);
  await waitFor('its EVPN sessions', async () => {
    const text = await onMachine('vtysh', '-d', 'bgpd', '-c', "'show bgp l2vpn evpn summary json'");
    return [...text.matchAll(/"state":"Established"/g)].length === coordinators;
  });
  say(`EVPN sessions with ${coordinators} coordinators`);
  await waitFor('the guest to count', async () =>
    (await onMachine('cat', `/var/log/pvc/console/${guest.uuid}.log`)).includes('pvc-guest counter'),
  );
  say('a guest runs on it');
  // Its end is not to be waited for: no lab's node knows of it, it goes with its power.
  await guest.run('stop');
}
