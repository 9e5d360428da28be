/**
 * `npm run show:vlan`: a bridged network on a kernel that has VLANs. This machine's may have none (IEEE 802.1Q), so a Debian
 * kernel runs in QEMU, with this machine's files under an overlay as its root, and is a node of its own: `machine.sh` there adds a
 * network in VLAN 120 and plugs a guest into it; on its cable stands `site.ts`, which sees each frame with its tag.
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { waitFor } from '../e2e/wait-for.ts';
import { guestImage } from '../lab/guest/image.ts';
import { packTree } from '../lab/guest/initrd.ts';
import { fetchKernel } from '../lab/guest/kernel.ts';
import { watchInterrupt } from '../lab/interrupt.ts';
import { ensureExecutable } from '../lab/product.ts';
import { repository } from '../lab/repository.ts';
import { run } from '../lab/run.ts';
import { readWords } from '../tool.ts';
import { Site } from './site.ts';

const usage = `A bridged network in VLAN 120, on a Debian kernel in QEMU, with its tags as they are on the wire. Root. Takes some minutes.

  npm run show:vlan
`;
readWords('npm run show:vlan', usage, { options: {} });

const vlan = 120;
/** What the machine needs before it sees this machine's files. */
const modules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_net'];
/** All of it is emulated, a guest in it twice. */
const patience = { timeoutMs: 10 * 60_000, everyMs: 500 };
const begin = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${text}`);

/** An initramfs that puts an overlay over this machine's files and goes on there. */
async function makeInitrd(work: string, modules: readonly string[], argv: readonly string[]): Promise<string> {
  const tree = join(work, 'initramfs');
  await mkdir(join(tree, 'bin'), { recursive: true });
  await cp('/bin/busybox', join(tree, 'bin/busybox'));
  for (const file of modules) await cp(file, join(tree, basename(file)));
  await writeFile(
    join(tree, 'init'),
    `#!/bin/busybox sh
busybox() { /bin/busybox "$@"; }
busybox mkdir -p /dev /proc /lower /over /new
busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
${modules.map((file) => `busybox insmod /${basename(file)}`).join('\n')}
busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=524288,cache=loose root /lower
busybox mount -t tmpfs tmpfs /over
busybox mkdir /over/upper /over/work
busybox mount -t overlay -o lowerdir=/lower,upperdir=/over/upper,workdir=/over/work overlay /new
busybox mount -o move /dev /new/dev
exec /bin/busybox switch_root /new ${argv.join(' ')}
`,
    { mode: 0o755 },
  );
  const output = join(work, 'initrd');
  await packTree(tree, output);
  return output;
}

async function show(work: string, signal: AbortSignal): Promise<void> {
  const image = await guestImage();
  const kernel = await fetchKernel(join(work, 'kernel'), undefined, 'linux-image-amd64', modules);
  await run([
    'depmod',
    '-b',
    join(kernel.modulesDirectory, '../..'),
    basename(kernel.vmlinuz).slice('vmlinuz-'.length),
  ]);
  const script = [
    '/bin/sh',
    join(repository, 'test/vlan/machine.sh'),
    repository,
    kernel.modulesDirectory,
    image.directory,
  ];
  const initrd = await makeInitrd(work, kernel.modules, script);
  await using site = await Site.open(vlan);
  const console_ = join(work, 'console');
  const [local, remote] = [
    'local.type=inet,local.host=127.0.0.1,local.port=0',
    'remote.type=inet,remote.host=127.0.0.1',
  ];
  signal.throwIfAborted();
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'Nehalem', '-smp', '2', '-m', '2048'],
      ...['-display', 'none', '-nodefaults', '-no-reboot', '-device', 'virtio-rng-pci'],
      ...['-virtfs', 'local,path=/,mount_tag=root,security_model=passthrough,readonly=on,multidevs=remap'],
      ...['-netdev', `dgram,id=n,${local},${remote},remote.port=${site.port}`],
      ...['-device', 'virtio-net-pci,netdev=n,mac=52:54:00:12:00:01'],
      ...['-kernel', kernel.vmlinuz, '-initrd', initrd, '-append', 'console=ttyS0 quiet'],
      ...['-serial', `file:${console_}`],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(machine, 'close');
  signal.addEventListener('abort', () => machine.kill('SIGKILL'));
  const isOver = () => machine.exitCode !== null || machine.signalCode !== null;
  const read = () => readFile(console_, 'utf8').catch(() => '');
  let shown = 0;
  /** Until the machine has said this; what else it says is shown on the way. */
  const said = async (what: string): Promise<void> => {
    const found = await waitFor(
      `the machine to say: ${what}`,
      async () => {
        // Before it is read: what it said last is there once it has ended.
        const over = isOver();
        const text = await read();
        for (const line of text.slice(shown, text.lastIndexOf('\n')).split(/\r?\n/)) if (line !== '') say(line);
        shown = Math.max(shown, text.lastIndexOf('\n'));
        if (text.includes(`machine: ${what}`)) return 'said';
        return over && 'over';
      },
      patience,
    );
    signal.throwIfAborted();
    assert.equal(found, 'said', `the machine has ended without having said: ${what}`);
  };
  try {
    await said('an end is plugged in');
    const seen = () =>
      [...site.seen].map(([tag, count]) => `${count} ${tag === undefined ? 'untagged' : `in VLAN ${tag}`}`);
    const answered = (tag: number | undefined) =>
      site.answers.filter((answer) => answer.vlan === tag && answer.address === '10.120.0.2').length;
    const asked = async () => {
      for (const tag of [undefined, 121, vlan]) site.askFor('10.120.0.2', tag);
    };
    await waitFor('the end to answer in the VLAN', async () => (await asked(), answered(vlan) > 0), { everyMs: 2_000 });
    await said('$ pvc vm create');
    assert.ok(site.echoes >= 3, `${site.echoes} echoes`);
    say(`site: ${site.echoes} echoes answered in VLAN ${vlan}; frames: ${seen().join(', ')}`);
    await asked();
    await said('the guest says');
    assert.ok(site.leases > 0);
    say(`site: the guest has its address from here; frames: ${seen().join(', ')}`);
    assert.deepEqual([answered(undefined), answered(121)], [0, 0], 'nothing of other VLANs reaches the network');
    assert.equal(site.seen.get(121), undefined);
    say(`site: asked without a tag and in VLAN 121, nobody answered; in VLAN ${vlan}, ${answered(vlan)} times`);
    await said('the VLAN is gone');
    say('shown');
  } catch (error) {
    say(`its console ends with\n${(await read()).slice(-6000)}`);
    throw error;
  } finally {
    if (!isOver()) machine.kill('SIGKILL');
    await ended;
  }
}

using interrupt = watchInterrupt();
await ensureExecutable();
// Where this machine keeps what it makes from the sources.
await mkdir(join(repository, '.cache'), { recursive: true });
const work = await mkdtemp(join(repository, '.cache/vlan-'));
try {
  await show(work, interrupt.signal);
} finally {
  await rm(work, { recursive: true, force: true });
}
