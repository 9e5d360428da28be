import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { inRepository } from '../paths.ts';

const scripts = inRepository('build/installer/root/usr/lib/pvc-installer');
const mac = '52:54:00:00:00:01';
const hash = '$6$salt$0123456789abcdef';

let directory = '';
const inDirectory = (path: string): string => join(directory, path);
const text = (path: string): string => readFileSync(inDirectory(path), 'utf8');
const program = (name: string, body: string): void =>
  writeFileSync(inDirectory(`bin/${name}`), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

/** What is done to the server: each line is a call, with what it was given. */
const calls = (): string[] => text('calls').split('\n').filter(Boolean);
/** Programs that change something, of which only matters that they are called. */
const changing = ['wipefs', 'sfdisk', 'mkfs.vfat', 'mkfs.ext4', 'cp', 'chroot', 'mount', 'umount', 'systemctl'];
const note = (name: string, more = ''): void => program(name, `echo ${name} "$@" >>${inDirectory('calls')}\n${more}`);

interface Disk {
  readonly type?: string;
  readonly readOnly?: string;
  readonly bytes?: number;
  readonly mounted?: string;
  readonly below?: string;
}

/** The words of lsblk(8) about the one disk /dev/sda. */
function disk({ type = 'disk', readOnly = '0', bytes = 2 ** 40, mounted = '', below = '' }: Disk = {}): void {
  program(
    'lsblk',
    `case "$*" in
*"--output TYPE /dev/sda") echo "${type}" ;;
*"--output RO /dev/sda") echo " ${readOnly}" ;;
*"--bytes --output SIZE /dev/sda") echo "${bytes}" ;;
*"--output MOUNTPOINTS /dev/sda") printf '\\n%s\\n' "${mounted}" ;;
*"--raw --output TYPE,NAME /dev/sda") printf 'disk sda\\npart sda1\\n%s\\n' "${below}" ;;
*"--output NAME,SIZE,FSTYPE,LABEL /dev/sda") printf 'sda 1T\\nsda1 1T ext4 old-data\\n' ;;
*"--output SIZE,MODEL,SERIAL /dev/sda") echo "1T ACME S1" ;;
*/dev/sd*) exit 32 ;;
*) echo "/dev/sda 1T" ;;
esac`,
  );
}

const moved = (script: string): string =>
  script
    .replaceAll('/usr/lib/pvc-installer', inDirectory('lib'))
    .replaceAll('/run/pvc-installer', inDirectory('run'))
    .replaceAll('/sys/class/net', inDirectory('net'))
    .replaceAll('/mnt/target', inDirectory('target'));

function shell(script: string, input: string): Promise<{ code: number | null; output: string }> {
  const PATH = `${inDirectory('bin')}:/usr/bin:/bin`;
  const child = spawn('/bin/sh', ['-c', script], { env: { PATH }, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (output += piece.toString()));
  // Who has ended reads no more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

/** @param input what somebody types, where no answers are given */
const install = (input = '') => shell(`exec /bin/sh ${inDirectory('lib/install')}`, input);

const right = { disk: '/dev/sda', erase: 'yes', name: 'hv1', card: mac, address: '10.10.0.11/24', hash };

function answer(answers: Readonly<Record<string, string | undefined>>): void {
  const lines = Object.entries(answers).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
  writeFileSync(inDirectory('run/answers/answers'), ['# a comment\n\n', ...lines].join(''));
  program('blkid', 'case "$*" in "-L PVC_ANSWERS") echo /dev/sr1 ;; *) echo "1234-${3##*/}" ;; esac');
}

beforeEach(() => {
  if (directory !== '') rmSync(directory, { recursive: true });
  directory = mkdtempSync(join(tmpdir(), 'pvc-install-test-'));
  const made = ['bin', 'lib', 'run/answers', 'run/lower', 'net/eno1/device', 'net/lo', 'target/etc/network'];
  for (const path of [...made, 'target/root']) mkdirSync(inDirectory(path), { recursive: true });
  writeFileSync(inDirectory('net/eno1/address'), `${mac}\n`);
  writeFileSync(inDirectory('calls'), '');
  for (const name of ['install', 'checks', 'write'])
    writeFileSync(inDirectory(`lib/${name}`), moved(readFileSync(join(scripts, name), 'utf8')));
  for (const name of changing) note(name);
  note('sfdisk', `cat >${inDirectory('table')}`);
  note('chroot', `case "$*" in *chpasswd*) cat >${inDirectory('shadow')} ;; esac`);
  program('flock', 'exit 0');
  program('mountpoint', 'exit 0');
  program('udevadm', 'exit 0');
  program('sync', 'exit 0');
  program('stty', 'exit 0');
  // Nobody waits here, and what waits for ever ends.
  program('sleep', 'exec /bin/sleep 0.05');
  program('ip', 'echo "eno1 UP"');
  program('blkid', 'case "$*" in "-L PVC_ANSWERS") exit 2 ;; *) echo "1234-${3##*/}" ;; esac');
  disk();
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe('an answer to the installer', () => {
  for (const [check, value, why] of [
    ['name', 'hv1', ''],
    ['name', '', 'it is empty'],
    ['name', '-hv', 'begins or ends'],
    ['name', 'Hv1', 'a-z, 0-9'],
    ['name', 'a b', 'a-z, 0-9'],
    ['name', 'a'.repeat(64), 'more than 63'],
    ['address', '10.10.0.11/24', ''],
    ['address', '10.10.0.11', 'length of its network'],
    ['address', '10.10.0.256/24', 'no IPv4 address'],
    ['address', '10.10.0/24', 'no IPv4 address'],
    ['address', '10.10.0.1.2/24', 'no IPv4 address'],
    ['address', '1..2.3/24', 'no IPv4 address'],
    ['address', '10.10.0.11/33', 'no length'],
    ['address', '10.10.0.11/x', 'no length'],
    ['optional_ipv4', '', ''],
    ['optional_ipv4', '10.0.0.1', ''],
    ['optional_ipv4', '10.0.0.1000', 'no IPv4 address'],
    ['card', 'eno1', ''],
    ['card', mac, ''],
    ['card', 'lo', 'no such card'],
    ['card', '../..', 'no such card'],
    ['hash', hash, ''],
    ['hash', '', ''],
    ['hash', 'secret', 'no hash of a password that is safe'],
    ['hash', '$6$a:b', 'no hash of a password'],
    ['hash', '$1$salt$abc', 'that is safe'],
    ['key', '', ''],
    ['key', 'ssh-rsa nonsense', 'no public SSH key'],
    ['key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHB2Yy10ZXN0LWtleS1vZi1uby1ib2R5LTAwMDAwMDAw admin', ''],
    ['disk', '/dev/sda', ''],
    ['disk', '/dev/sdb', 'no such disk'],
    ['disk', 'sda', 'no path'],
    ['disk', '/dev/sda;reboot', 'no path'],
    ['disk', '/etc/passwd', 'no path'],
  ] as const)
    it(`is ${why === '' ? 'right' : 'refused'}: ${check} ${value}`, async () => {
      const { output } = await shell(`set -eu; . ${inDirectory('lib/checks')}; why_not_${check} '${value}'`, '');
      if (why === '') assert.equal(output, '');
      else assert.match(output, new RegExp(why));
    });

  for (const [what, about, why] of [
    ['a partition', { type: 'part' }, /no such disk/],
    ['read only', { readOnly: '1' }, /cannot be written/],
    ['small', { bytes: 2 ** 30 }, /too small: 10 GiB/],
    ['mounted', { mounted: '/run/pvc-installer/medium' }, /in use at .*may be the medium/],
    ['of a volume group', { below: 'lvm ceph--1-osd' }, /in use by ceph--1-osd \(lvm\)/],
  ] as const)
    it(`is no disk that is ${what}`, async () => {
      disk(about);
      const { output } = await shell(`set -eu; . ${inDirectory('lib/checks')}; why_not_disk /dev/sda`, '');
      assert.match(output, why);
    });
});

describe('the installer', () => {
  it('divides the disk, copies, and makes it that server, as the answers say', async () => {
    answer({ ...right, gateway: '10.10.0.1', dns: '10.10.0.2', end: 'poweroff' });
    const { output } = await install();
    const done = calls().map((call) => call.replaceAll(directory, ''));
    const order = [
      'wipefs --all',
      'sfdisk',
      'mkfs.vfat',
      'mkfs.ext4',
      'cp -a',
      'chroot /target chpasswd',
      'chroot /target grub',
    ];
    const places = order.map((begin) => done.findIndex((call) => call.startsWith(begin)));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      done.join('\n'),
    );
    assert.ok(!places.includes(-1), `${places.join(' ')}\n${output}`);
    assert.ok(
      done.some((call) => call.includes('--target=i386-pc /dev/sda')),
      done.join('\n'),
    );
    assert.ok(done.some((call) => call.includes('--target=x86_64-efi --efi-directory=/boot/efi --removable')));
    assert.equal(done.at(-1), 'systemctl --no-block poweroff');
    assert.match(output, /PVC: hv1 is installed on \/dev\/sda/);
    assert.equal(text('target/etc/hostname'), 'hv1\n');
    assert.match(text('target/etc/hosts'), /^10\.10\.0\.11 hv1$/m);
    assert.match(
      text('target/etc/network/interfaces'),
      /iface eno1 inet static\n {4}address 10\.10\.0\.11\/24\n {4}gateway 10\.10\.0\.1\n/,
    );
    assert.equal(text('target/etc/resolv.conf'), 'nameserver 10.10.0.2\n');
    assert.match(text('target/etc/fstab'), /^UUID=1234-value \/ ext4|^UUID=\S+ \/ ext4/m);
    assert.match(text('table'), /21686148-.*\n.*C12A7328-.*\n.*4F68BCE3-/);
    assert.equal(text('shadow'), `root:${hash}\n`);
    assert.ok(!text('calls').includes('0123456789abcdef'), 'no secret is in the list of processes');
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, string | undefined>>, RegExp])[] = [
    ['erase=yes is missing', { erase: undefined }, /lack "erase=yes": nothing was written/],
    ['nobody could log in', { hash: undefined }, /nobody could log in/],
    ['the disk is not there', { disk: '/dev/sdb' }, /"disk=\/dev\/sdb" cannot be: this server has no such disk/],
    ['there is no disk said', { disk: undefined }, /"disk=" cannot be/],
    ['something unknown is said', { pasword: 'x' }, /have "pasword", which nobody asks for/],
    ['an address is wrong', { address: '10.10.0.11' }, /"address=10\.10\.0\.11" cannot be/],
  ];
  for (const [what, other, says] of refusals)
    it(`writes nothing when ${what}`, async () => {
      answer({ ...right, ...other });
      const { output } = await install();
      assert.match(output, /PVC was not installed/);
      assert.match(output, says);
      assert.deepEqual(calls(), []);
      assert.equal(existsSync(inDirectory('run/wrote')), false);
    });

  it('tells what went wrong, and that the disk was written to', async () => {
    note('mkfs.ext4', 'echo "no space on this device" >&2; exit 1');
    answer(right);
    const { output } = await install();
    assert.match(
      output,
      /could not divide \/dev\/sda\n.*The disk was written to, and does not boot\.\n +no space on this device/,
    );
    assert.ok(!calls().some((call) => call.startsWith('cp')));
  });

  /** What somebody types who answers everything. */
  const typed = ['', '/dev/sda', 'hv1', 'eno1', '10.10.0.11/24', '', '', '', 'secret', 'secret'];

  it('asks, shows what will be lost, and goes on once the disk is named again', async () => {
    const { output } = await install([...typed, '/dev/sda', ''].join('\n'));
    assert.match(output, /will be lost: sda1 1T ext4 old-data/);
    assert.match(output, /hv1 is installed/);
    assert.equal(text('shadow'), 'root:secret\n');
    assert.equal(existsSync(inDirectory('target/root/.ssh')), false);
    assert.equal(calls().at(-1), 'systemctl --no-block reboot');
  });

  for (const [what, word] of [
    ['yes', 'yes'],
    ['nothing', ''],
    ['another disk', '/dev/sdb'],
  ] as const)
    it(`writes nothing when ${what} is said instead`, async () => {
      const { output } = await install([...typed, word, ''].join('\n'));
      assert.match(output, /is not \/dev\/sda: nothing was written/);
      assert.deepEqual(calls(), []);
    });

  it('asks again for what cannot be', async () => {
    const words = ['', '/dev/sdb', '/dev/sda', 'HV', 'hv1', 'eno9', 'eno1', '10.1', '10.10.0.11/24', '', '', ''];
    const key = ['', '', 'a', 'b', 'secret', 'secret'];
    const { output } = await install([...words, ...key, '/dev/sda', ''].join('\n'));
    for (const why of [
      'no such disk',
      'a-z, 0-9',
      'no such card',
      'length of its network',
      'Nobody could log in',
      'They differ',
    ])
      assert.match(output, new RegExp(why));
    assert.match(output, /hv1 is installed/);
  });

  it('keeps a key for root alone', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHB2Yy10ZXN0LWtleS1vZi1uby1ib2R5LTAwMDAwMDAw admin';
    answer({ ...right, hash: undefined, key });
    await install();
    assert.equal(text('target/root/.ssh/authorized_keys'), `${key}\n`);
    assert.equal(statSync(inDirectory('target/root/.ssh')).mode & 0o077, 0);
    assert.equal(existsSync(inDirectory('shadow')), false);
  });
});
