/**
 * `npm run test:image [-- --nodes N] [-- --firmware efi] [-- --osd] [-- --replace]`: a blank server beside a lab is switched on, becomes a node from the image in dist/image
 * (`npm run build:image`), and a guest runs on it; with three coordinators the primary loses its power while the server fetches its
 * root. Then the node is removed, another system put on its disk, and PVC has its server boot from the network by its BMC: it is the same node. With `--osd` the server has a disk more, which
 * becomes an OSD, and is up again after its power was cut. With `--replace` it breaks in the end, and another server takes its place. Prints when each stage was reached.
 * Emulated it takes many minutes.
 * @module
 */
import assert from 'node:assert/strict';
import { access, copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inRepository } from '../../build/paths.ts';
import { BootMachine } from '../e2e/boot-machine.ts';
import { type MachineBmc, startMachineBmc } from '../e2e/machine-bmc.ts';
import { type TestLab, withLab } from '../e2e/test-lab.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { pathOn } from '../lab/exec.ts';
import { dataDirectory } from '../lab/paths.ts';
import { run } from '../lab/run.ts';
import { readWords } from '../tool.ts';

const usage = `A blank server becomes a node from dist/image, and runs a guest. Root; build it first: npm run build:image.

  npm run test:image -- [--nodes NUMBER] [--firmware bios|efi] [--osd | --replace]

  --nodes     nodes of the lab, of which the first three are coordinators (1)
  --firmware  of the server (bios)
  --osd       a disk of the server becomes an OSD, which is up again after its power was cut
  --replace   the server breaks in the end, and another one takes its place
`;
const { values } = readWords('npm run test:image', usage, {
  options: {
    nodes: { type: 'string', default: '1' },
    firmware: { type: 'string', default: 'bios' },
    osd: { type: 'boolean', default: false },
    replace: { type: 'boolean', default: false },
  },
});
const { firmware, osd, replace } = values;
assert.ok(firmware === 'bios' || firmware === 'efi', `--firmware ${firmware}: not bios or efi`);
assert.ok(!(osd && replace), '--osd and --replace: one after the other');

const first = { mac: '52:54:00:70:76:d4', uuid: '5c0e3f6e-2e1d-4f7a-9d39-0123456789ac' };
const second = { mac: '52:54:00:70:76:d5', uuid: '5c0e3f6e-2e1d-4f7a-9d39-0123456789ad' };
const [name, address] = ['hv9', '10.10.0.19'];
/** Of the servers, in the network of the BMCs. */
const bmcNumbers = [19, 20] as const;
const passwordFile = '/root/bmc';
const keyOnNode = '/root/machine-key';
const imageFiles = ['vmlinuz', 'initrd.img', 'root.squashfs'];
/** A server without hardware that runs it takes its time, the more on a busy machine. */
const patience = { timeoutMs: 45 * 60_000, everyMs: 1_000 };

for (const file of imageFiles)
  await access(inRepository(`dist/image/${file}`)).catch(() => {
    throw new Error(`dist/image/${file} is not there: npm run build:image`);
  });

await withLab({ nodes: Number(values.nodes), store: 'zookeeper' }, provision);

/** The small guest, and a way in: what a site would add. @param work has the key */
async function makeSite(lab: TestLab, work: string): Promise<string> {
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
  // Goes with the lab.
  const work = await mkdtemp(join(dataDirectory(lab.name), 'server-'));
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
  const coordinators = Math.min(lab.nodes.length, 3);
  // The one that is asked is never the one that dies.
  const asked = lab.nodes[coordinators === 3 ? 1 : 0] ?? '';
  const pvc = async (...args: string[]) => (await lab.pvc(asked, [...args, '--yes'])).ok();
  /** The server that is the node. */
  let { mac } = first;
  const info = () => lab.ask(asked, 'machine.info', { machine: mac });
  /** A command on the new node itself, from a node of the lab: it is in no namespace of ours. */
  const onMachine = async (...argv: string[]): Promise<string> => {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=20'];
    const ssh = ['ssh', '-i', keyOnNode, ...options.flatMap((one) => ['-o', one]), `root@${address}`];
    return (await lab.exec(asked, [...ssh, ...argv])).stdout;
  };

  // A node sees no /tmp of this machine.
  await copyFile(join(work, 'key'), await pathOn(lab.record, asked, keyOnNode));
  const site = await makeSite(lab, work);
  for (const node of lab.nodes)
    for (const from of [...imageFiles.map((file) => inRepository(`dist/image/${file}`)), site]) {
      const to = await pathOn(lab.record, node, `/var/lib/pvc/provisioning/${from.slice(dirname(from).length + 1)}`);
      await mkdir(dirname(to), { recursive: true });
      await copyFile(from, to);
    }
  if (osd) {
    // The network that the server is in: the image has no address elsewhere.
    await pvc('storage', 'init', '--network', '10.10.0.0/24');
    await lab.waitFor(
      'the storage to answer',
      async () => (await lab.ask(asked, 'storage.status', {})).monitors.length > 0,
      patience,
    );
  }
  await pvc('network', 'add', 'office');
  const network = ['--device', 'cluster', '--address', '10.10.0.9/24', '--range', '10.10.0.200-10.10.0.220'];
  await pvc('provisioner', 'network', 'set', ...network);
  const [victim = ''] = lab.nodes;
  if (coordinators === 3 && (await lab.primary(asked)) !== victim) await pvc('node', 'primary', victim);

  let beginMs = Date.now();
  const say = (text: string, atMs = Date.now()): void =>
    console.log(`${((atMs - beginMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  const blank = {
    firmware: firmware === 'efi' ? 'efi' : 'bios',
    network: 'cluster',
    ...{ memoryMiB: osd ? 4096 : 3072, diskMiB: 1024 },
    ...(osd ? { kept: { path: join(work, 'osd'), serial: 'KEPT-1' } } : {}),
  } as const;
  if (osd) await run(['truncate', '-s', '8G', join(work, 'osd')]);
  await using server = await BootMachine.plug(lab, { ...blank, ...first });
  await using other = await BootMachine.plug(lab, { ...blank, ...second });
  await using bmc = await startMachineBmc(lab, server, bmcNumbers[0], work);
  await using otherBmc = await startMachineBmc(lab, other, bmcNumbers[1], work);
  await lab.writeFile(asked, passwordFile, `${bmc.password}\n`);
  const at = ({ address: bmcAddress, user }: MachineBmc): string[] => [
    ...['--address', bmcAddress, '--user', user, '--password-file', passwordFile, '--cipher-suite', '3'],
  ];
  const evidence = async (): Promise<string> => {
    const told = await lab.pvc(asked, ['provisioner', 'machine', 'info', mac]);
    return `${told.stdout}\n--- its console\n${(await (mac === first.mac ? server : other).console()).slice(-6000)}\n${await lab.evidence()}`;
  };
  const waitFor = <T>(what: string, probe: () => Promise<T>) => lab.waitFor(what, probe, { ...patience, evidence });

  /** Follows one boot up to its end. @param onLine hears each line of its log */
  const becomesReady = async (boot: number, onLine: (text: string) => Promise<void>): Promise<void> => {
    let told = 0;
    const end = await waitFor('it to be ready', async () => {
      const { state, boots, reason } = await info();
      const log = boots.length === boot ? (boots.at(-1)?.log ?? []) : [];
      for (const { atMs, text } of log.slice(told)) {
        say(text, atMs);
        await onLine(text);
      }
      told = log.length;
      return (state === 'failed' || (state === 'ready' && boots.length === boot)) && { state, reason };
    });
    if (end.state === 'failed') assert.fail(`${end.reason}\n${await evidence()}`);
    say('ready');
  };
  const checkNode = async (): Promise<void> => {
    const node = await lab.ask(asked, 'node.info', { node: name });
    assert.deepEqual([node.role, node.address], ['hypervisor', address]);
    assert.equal(await onMachine('hostname'), `${name}\n`);
    await waitFor('its EVPN sessions', async () => {
      const text = await onMachine('vtysh', '-d', 'bgpd', '-c', "'show bgp l2vpn evpn summary json'");
      return [...text.matchAll(/"state":"Established"/g)].length === coordinators;
    });
    say(`EVPN sessions with ${coordinators} coordinators`);
  };
  /** Its blank disk is one, and nothing else is. */
  const hasOsd = async (): Promise<string> => {
    const row = await waitFor('its disk to be an OSD that is up', async () => {
      const rows = await lab.ask(asked, 'osd.list', {});
      return rows.length === 1 && rows[0]?.node === name && rows[0].up && rows[0];
    });
    const end = await waitFor('the machine to tell so', async () => {
      const now = await info();
      return now.osdDone && now;
    });
    assert.deepEqual(end.disks.map(({ state, text }) => [state, text]).toSorted(), [
      ['done', `osd.${row.osd}`],
      ['left', 'it has 1 GiB, and an OSD needs 5 GiB'],
    ]);
    say(`osd.${row.osd} on ${end.disks.find(({ state }) => state === 'done')?.disk} is up`);
    return (await onMachine('cat', `/var/lib/ceph/osd/ceph-${row.osd}/fsid`)).trim();
  };
  const runGuest = async (guest: string): Promise<void> => {
    const files = ['--kernel', `${guestDirectory}/vmlinuz`, '--initrd', `${guestDirectory}/initrd`];
    const rest = ['--cmdline', 'console=ttyS0 quiet', '--memory', '160', '--graphics', 'none'];
    await pvc('vm', 'create', guest, ...rest, ...files, '--node', name, '--nic', 'network=office', '--start');
    const { uuid: id } = await lab.ask(asked, 'vm.info', { vm: guest });
    await waitFor('the guest to count', async () =>
      (await onMachine('cat', `/var/log/pvc/console/${id}.log`)).includes('pvc-guest counter'),
    );
    say(`a guest runs on it: ${guest}`);
    await pvc('vm', 'stop', guest);
    await pvc('vm', 'undefine', guest);
  };

  /** Nobody but PVC does anything. */
  const isSilent = () =>
    waitFor(
      'its daemon to be missed',
      async () => (await lab.ask(asked, 'node.info', { node: name })).daemon !== 'run',
    );

  await server.on();
  say('switched on');
  await waitFor('it to be discovered', async () => (await info()).state === 'discovered');
  say('discovered');
  await pvc('provisioner', 'machine', 'bmc', 'set', mac, ...at(bmc));
  const wanted = osd ? ['--osd', 'all'] : [];
  await pvc('provisioner', 'machine', 'accept', mac, '--name', name, '--address', address, ...wanted);
  say('accepted');
  await becomesReady(1, async (text) => {
    if (coordinators < 3 || !text.includes('fetches its root')) return;
    await lab.power(victim, 'off');
    say(`${victim}, the primary, has lost its power`);
  });
  if (coordinators === 3) await lab.power(victim, 'on');
  await checkNode();
  await waitFor('the node to have the BMC of its server', async () => {
    const { stdout } = await lab.pvc(asked, ['node', 'power', name, 'status']);
    return /\bon\b/.test(stdout);
  });
  say('its BMC says that it is on');
  const fsid = osd ? await hasOsd() : undefined;

  if (osd) {
    server.off();
    await isSilent();
    beginMs = Date.now();
    say(`${name} has lost its power; it is switched on from the network`);
    await pvc('node', 'power', name, 'netboot');
  } else {
    await runGuest('first');
    // Removed and wiped (it has nothing but its memory), and what stands on its disk now is not ours: its BMC must say what to boot.
    await pvc('node', 'power', name, 'off', '--force');
    assert.equal(server.isOn, false);
    await isSilent();
    await pvc('node', 'remove', name);
    await server.installSystem();
    beginMs = Date.now();
    say(`${name} is off and removed; its server is to boot from the network`);
    await pvc('provisioner', 'machine', 'boot', name);
  }
  assert.deepEqual(bmc.orders.slice(-2), ['set boot pxe', 'set power 1']);
  await becomesReady(2, async () => {});
  await checkNode();
  if (osd) assert.equal(await hasOsd(), fsid, 'it is the same OSD');
  else await runGuest('second');
  if (!replace) return;

  server.off();
  await isSilent();
  beginMs = Date.now();
  say(`the server of ${name} is broken`);
  await pvc('node', 'replace', name, second.mac, '--uuid', second.uuid);
  ({ mac } = second);
  await pvc('provisioner', 'machine', 'bmc', 'set', name, ...at(otherBmc));
  await pvc('provisioner', 'machine', 'boot', name);
  say('another one is switched on in its place');
  await becomesReady(1, async () => {});
  await checkNode();
  await runGuest('third');
  // The old one is repaired.
  server.bootFromNetworkOnce();
  await server.on();
  await waitFor(
    'the old server to be discovered',
    async () => (await lab.ask(asked, 'machine.list', {})).find((one) => one.mac === first.mac)?.state === 'discovered',
  );
  say('the old server is back, and is discovered');
}
