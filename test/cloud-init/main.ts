/**
 * `npm run show:cloud-init [-- --seed disk|network] [--suite …]`: three guests of one profile by one command, with a Debian in
 * which cloud-init itself reads what PVC tells it: from the seed disk, and over the network from the metadata service. Each
 * guest's name is asked of the cluster's DNS; ssh then tells from inside whether keys, password, userdata and vendor data have
 * taken effect. Prints when each guest was how far. Emulated it takes a quarter of an hour.
 * @module
 */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestLab, withLab } from '../e2e/test-lab.ts';
import { makeStorage } from '../e2e/test-storage.ts';
import { pathOn } from '../lab/exec.ts';
import { watchInterrupt } from '../lab/interrupt.ts';
import { ensureExecutable } from '../lab/product.ts';
import { floatingAddress } from '../lab/topology.ts';
import { misuse, readWords } from '../tool.ts';
import { checkGuest, checkRefusals, checkSecondBoot } from './checks.ts';
import { cloudDisk } from './cloud-disk.ts';
import { CloudGuest, prepareSsh } from './cloud-guest.ts';
import { suites } from './debian-root.ts';

const command = 'npm run show:cloud-init';
const usage = `Three guests of a profile by one command; cloud-init in them is told who they are. Root. Takes a quarter of an hour.

  ${command} -- [--seed disk|network] [--suite ${suites.join('|')}]

  --seed   how cloud-init is told; both, one after the other, when it is not given
  --suite  the release of Debian in the guests (${suites[0]})
`;
const { values } = readWords(command, usage, {
  options: { seed: { type: 'string' }, suite: { type: 'string', default: suites[0] } },
});
if (values.seed !== undefined && !['disk', 'network'].includes(values.seed))
  misuse(command, `--seed ${values.seed}: not disk or network`);
const suite =
  suites.find((one) => one === values.suite) ?? misuse(command, `--suite ${values.suite}: not ${suites.join(' or ')}`);
const ways = values.seed === undefined ? ['disk', 'network'] : [values.seed];

const domain = 'web.example';
const count = 3;
/** Three Debians are emulated side by side. */
const patience = { timeoutMs: 4 * 60_000, everyMs: 1_000 };
const begin = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${text}`);

type Pvc = (...args: string[]) => Promise<unknown>;
/** A command that shall succeed. */
const pvcOn =
  (lab: TestLab): Pvc =>
  async (...args) =>
    (await lab.pvc('hv1', [...args, '--yes'], { timeoutMs: 300_000 })).ok();

/** All that guests are made from; the profile comes with its way. */
async function prepare(lab: TestLab, disk: string): Promise<void> {
  const pvc = pvcOn(lab);
  await makeStorage(lab);
  say('the storage is well');
  for (const [from, to] of [
    [disk, '/var/lib/debian.qcow2'],
    [join(import.meta.dirname, 'web.yaml'), '/root/web.yaml'],
  ] as const)
    await copyFile(from, await pathOn(lab.record, 'hv1', to));
  await pvc('storage', 'volume', 'upload', 'vms/debian', '/var/lib/debian.qcow2');
  say('the disk is uploaded');
  await pvc('provisioner', 'image', 'add', 'debian', 'vms/debian', '--os', `Debian ${suite}`, '--min-memory', '256');
  await pvc('network', 'add', 'web', '--ipv4', '10.27.0.0/24', '--gateway4', 'first', '--domain', domain);
  await pvc('network', 'dhcp', 'enable', 'web');
  const template = (kind: string, ...words: string[]) => pvc('provisioner', 'template', kind, 'add', ...words);
  await template('system', 'small', '--memory', '256', '--graphics', 'none');
  await template('network', 'web', '--nic', 'web,antiSpoof');
  const disks = ['pool=vms,image=debian,size=896M', 'pool=vms,size=64M,filesystem=ext4,mountpoint=/srv'];
  await template('storage', 'root', ...disks.flatMap((one) => ['--disk', one]));
  await pvc('provisioner', 'userdata', 'add', 'web', '/root/web.yaml');
  say('the image is there, and templates and userdata');
}

/** By one command. @returns when cloud-init in all of them has finished, and their names are told */
async function makeGuests(lab: TestLab): Promise<CloudGuest[]> {
  const guests = Array.from({ length: count }, (_, at) => new CloudGuest(lab, `web${at + 1}`));
  const beganMs = performance.now();
  const nowS = () => (performance.now() - beganMs) / 1000;
  const evidence = async (): Promise<string> => {
    const consoles = guests.map(async (guest) => {
      const text = await guest.console().catch(String);
      return `--- console of ${guest.name}\n${text.slice(-4_000)}`;
    });
    return [...(await Promise.all(consoles)), await lab.evidence()].join('\n');
  };
  const all = async (): Promise<boolean> => {
    const come = await Promise.all(guests.map((guest) => guest.watch(domain, floatingAddress, nowS)));
    return come.every((one) => one);
  };
  const words = ['provisioner', 'create', 'web', 'web', '--count', String(count), '--yes'];
  const making = lab.pvc('hv1', words, { timeoutMs: 300_000 });
  let code: number | undefined;
  const noted = making.then((answer) => {
    code = answer.code;
  });
  const isOver = async () => (code !== undefined && code !== 0) || all();
  await lab.waitFor('all guests to be done', isOver, { ...patience, evidence });
  await noted;
  (await making).ok();
  return guests;
}

/** When each was how far. */
async function tell(guests: readonly CloudGuest[]): Promise<void> {
  const columns = ['running', 'cloud-init begins', 'name in DNS', 'cloud-init has finished'];
  say(`${'seconds after the command'.padEnd(32)}${columns.join('  ')}`);
  for (const guest of guests) {
    const { node } = await guest.info();
    const { running, began, named, finished } = guest.times;
    const times = [running, began, named, finished].map((one, at) =>
      (one?.toFixed(1) ?? '').padStart(columns[at]?.length ?? 0),
    );
    say(`${`  ${guest.name} on ${node}, ${guest.address}`.padEnd(32)}${times.join('  ')}`);
  }
}

async function removeGuests(guests: readonly CloudGuest[], way: string, pvc: Pvc): Promise<void> {
  for (const { name } of guests) {
    await pvc('vm', 'stop', name);
    await pvc('vm', 'undefine', name);
    const seed = way === 'disk' ? ['seed'] : [];
    for (const volume of ['disk1', 'disk2', ...seed]) await pvc('storage', 'volume', 'remove', `vms/${name}-${volume}`);
  }
  await pvc('provisioner', 'profile', 'remove', 'web');
}

async function show(lab: TestLab, way: string): Promise<void> {
  const pvc = pvcOn(lab);
  const primary = (await lab.primary('hv1')) ?? assert.fail('no primary');
  const { publicKey } = await prepareSsh(lab, primary);
  const parts = ['--system', 'small', '--storage', 'root', '--network', 'web', '--userdata', 'web'];
  await pvc('provisioner', 'profile', 'add', 'web', ...parts, '--ssh-key', publicKey, '--seed', way);
  say(`pvc provisioner create web web --count ${count}    (--seed ${way})`);
  const guests = await makeGuests(lab);
  await tell(guests);

  const login = { user: 'debian', key: 'right' };
  for (const guest of guests) {
    await guest.trust(primary);
    say(`${guest.name}: ${await checkGuest(guest, primary, login, way, domain)}`);
  }
  const [first = assert.fail(), second = assert.fail()] = guests;
  say(await checkRefusals(first, primary));
  say(await checkSecondBoot(first, second, primary, login, domain, patience));
  await removeGuests(guests, way, pvc);
  say('the guests are gone, and their volumes');
}

async function disk(): Promise<string> {
  // The lab minds the signal itself.
  using interrupt = watchInterrupt();
  return await cloudDisk(suite, interrupt.signal, () => say(`a Debian ${suite} with cloud-init is built, once`));
}

await ensureExecutable();
const debian = await disk();
await withLab({ nodes: 3 }, async (lab) => {
  say('a lab of three nodes is up');
  await prepare(lab, debian);
  for (const way of ways) await show(lab, way);
  say('shown');
});
