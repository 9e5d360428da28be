import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { inRepository } from '../paths.ts';

const scripts = inRepository('build/image/root');
const word = 'w'.repeat(32);
const mac = '52:54:00:00:00:01';
const token = 'pvcjoin_secret';

let directory = '';
const inDirectory = (path: string): string => join(directory, path);
const text = (path: string): string => readFileSync(inDirectory(path), 'utf8');

/** What the cluster answers at a path, anew for each test. */
type Reply = (request: IncomingMessage, response: ServerResponse) => void;
let replies: Record<string, Reply> = {};
/** What the machine has told, in order: `log the system runs`. */
let told: string[] = [];

const give =
  (body: string | Buffer): Reply =>
  (_, response) =>
    void response.end(body);
const refuse =
  (status: number): Reply =>
  (_, response) =>
    void response.writeHead(status).end();

const server = createServer((request, response) => {
  const path = request.url ?? '';
  const [, what = ''] = new RegExp(`^/machines/${mac}/${word}/(log|failed|report)$`).exec(path) ?? [];
  if (what === '') return (replies[path] ?? refuse(404))(request, response);
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    told.push(`${what} ${Buffer.concat(pieces).toString().trim()}`);
    response.end();
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const program = (name: string, body: string): void =>
  writeFileSync(inDirectory(`bin/${name}`), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

/** Programs of which only matters that they are called: each line of `calls` is a call. */
const note = (name: string): void => program(name, `echo ${name} "$@" >>${inDirectory('calls')}`);

function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stderr?.on('data', (piece: Buffer) => (output += piece.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

const shell = (path: string, PATH: string) =>
  finished(spawn('/bin/sh', [inDirectory(path)], { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] }));

beforeEach(() => {
  if (directory !== '') rmSync(directory, { recursive: true });
  directory = mkdtempSync(join(tmpdir(), 'pvc-image-test-'));
  mkdirSync(inDirectory('bin'));
  writeFileSync(inDirectory('calls'), '');
  writeFileSync(inDirectory('consoles'), 'screen serial\n');
  // Nobody waits here.
  program('sleep', 'exec /bin/sleep 0.05');
  replies = {};
  told = [];
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

describe('the boot script of the initramfs', () => {
  const root = Buffer.from('a root that is packed');

  /** With the programs of busybox, as in an initramfs of Debian. @param more what the test sets otherwise */
  function boot(more = '') {
    for (const name of ['cat', 'chmod', 'cut', 'grep', 'mkdir', 'rm', 'sha256sum', 'stat', 'tar', 'timeout', 'wget'])
      symlinkSync('/bin/busybox', inDirectory(`bin/${name}`));
    for (const name of ['mount', 'modprobe']) note(name);
    mkdirSync(inDirectory('image'));
    mkdirSync(inDirectory('new'));
    writeFileSync(inDirectory('image/root.sha256'), `${createHash('sha256').update(root).digest('hex')}  root\n`);
    writeFileSync(inDirectory('cmdline'), `boot=pvc pvc.from=${from} pvc.mac=${mac} pvc.word=${word} quiet\n`);
    const script = readFileSync(join(scripts, 'etc/initramfs-tools/scripts/pvc'), 'utf8')
      .replaceAll('/proc/cmdline', inDirectory('cmdline'))
      .replaceAll('/sys/class/tty/console/active', inDirectory('consoles'))
      .replaceAll('>"/dev/$console"', `>>"${inDirectory('$console')}"`)
      .replaceAll('/etc/pvc-image', inDirectory('image'))
      .replaceAll('/run/pvc-boot', inDirectory('boot'))
      .replaceAll(/(?<=[\s=>])\/pvc(?=[\s/])/g, inDirectory('pvc'));
    const code = script.replaceAll(/^\s*#.*$/gm, '');
    assert.equal(
      /[\s=>"]\/(pvc|proc|run|etc|sys)\b.*/.exec(code)?.[0],
      undefined,
      'nothing of this machine is touched',
    );
    const init = `panic() { echo "panic: $*"; exit 9; }
configure_networking() { DEVICE=eno1; }
rootmnt=${inDirectory('new')}
${script}
${more}
mountroot
echo went on`;
    writeFileSync(inDirectory('init'), init);
    return shell('init', inDirectory('bin'));
  }

  function siteTar(): Buffer {
    mkdirSync(inDirectory('site/etc'), { recursive: true });
    writeFileSync(inDirectory('site/etc/motd'), 'ours\n');
    return execFileSync('tar', ['-C', inDirectory('site'), '-cf', '-', 'etc']);
  }

  it('fetches the root, lays over it what the site adds, and leaves word for the system', async () => {
    replies = { '/files/root.squashfs': give(root), '/files/site.tar': give(siteTar()) };
    const { code, output } = await boot();
    assert.deepEqual([code, /went on$/m.test(output)], [0, true], output);
    assert.deepEqual(told, ['log the kernel runs, and fetches its root', 'log its root is mounted']);
    assert.equal(text('new/etc/motd'), 'ours\n');
    assert.equal(text('boot/facts'), `from=${from}\nmac=${mac}\nword=${word}\ndevice=eno1\n`);
    assert.equal(statSync(inDirectory('boot/facts')).mode & 0o077, 0, 'the word is for root alone');
    const mounts = [...text('calls').matchAll(/^mount -t (\w+)/gm)].map(([, type]) => type);
    assert.deepEqual(mounts, ['tmpfs', 'squashfs', 'overlay']);
  });

  it('goes on without anything of the site', async () => {
    replies = { '/files/root.squashfs': give(root) };
    const { code, output } = await boot();
    assert.equal(code, 0, output);
  });

  it('fetches again what is damaged and what is refused, and says so on each console', async () => {
    let asked = 0;
    replies = {
      '/files/root.squashfs': (request, response) => {
        asked += 1;
        if (asked === 1) response.end(root.subarray(1));
        else if (asked === 2) refuse(503)(request, response);
        else response.end(root);
      },
    };
    const { code, output } = await boot();
    assert.deepEqual([code, asked], [0, 3], output);
    for (const console of ['screen', 'serial']) {
      assert.match(text(console), /503/);
      assert.match(text(console), /damaged/);
    }
  });

  it('begins a download anew that stands still', async () => {
    let asked = 0;
    replies = {
      '/files/root.squashfs': (_, response) => {
        asked += 1;
        if (asked === 1) response.writeHead(200, { 'content-length': root.length }).write(root.subarray(0, 5));
        else response.end(root);
      },
    };
    // On a busy machine it may take a good download for one that stands still, too: it comes in the end.
    const { code, output } = await boot('pvc_patience=3');
    assert.deepEqual([code, asked >= 2], [0, true], output);
  });

  it('stops readably with a root that is never the right one', async () => {
    replies = { '/files/root.squashfs': give('another') };
    const { code, output } = await boot('pvc_tries=2');
    assert.equal(code, 9, output);
    assert.match(output, /panic: PVC: its root could not be fetched whole/);
    assert.deepEqual(told.at(-1), `failed its root could not be fetched whole from ${from}`);
  });

  it('stops readably without an address, which ends the shell that asks for one', async () => {
    const { code, output } = await boot('configure_networking() { . /nonexistent/net.conf; }');
    assert.equal(code, 9, output);
    assert.match(output, /panic: PVC: nobody gives the card 52:54:00:00:00:01 an address/);
  });
});

describe('the first boot', () => {
  const facts = 'name=hv4\naddress=10.10.0.14/24\n';

  /** @param pvc what pvc does when it is to join */
  function boot(pvc = 'exit 0') {
    for (const name of ['ip', 'hostname', 'systemctl']) note(name);
    program('lsblk', 'echo "/dev/sda  480G DISK"');
    mkdirSync(inDirectory('run'));
    writeFileSync(inDirectory('run/facts'), `from=${from}\nmac=${mac}\nword=${word}\ndevice=eno1\n`);
    const executable = `#!/bin/sh
[ "$1" != --version ] || { echo 1.2.3; exit 0; }
echo pvc "$@" "<$(cat "$4")>" >>${inDirectory('calls')}
${pvc}
`;
    replies = {
      '/files/pvc': give(executable),
      [`/machines/${mac}/${word}/join`]: give(`${facts}token=${token}\n`),
      ...replies,
    };
    const script = readFileSync(join(scripts, 'usr/lib/pvc/first-boot'), 'utf8')
      .replaceAll('/run/pvc-boot', inDirectory('run'))
      .replaceAll('/sys/class/tty/console/active', inDirectory('consoles'))
      .replaceAll('>"/dev/$console"', `>>"${inDirectory('$console')}"`)
      .replaceAll('/usr/bin/pvc', inDirectory('bin/pvc'))
      .replaceAll(/\/etc\/(hostname|hosts)/g, inDirectory('$1'));
    writeFileSync(inDirectory('first-boot'), script);
    chmodSync(inDirectory('first-boot'), 0o755);
    return shell('first-boot', `${inDirectory('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`);
  }

  it('gets pvc, name, address and token from the cluster, joins, and starts the daemon', async () => {
    const { code, output } = await boot();
    assert.equal(code, 0, output);
    assert.deepEqual(text('calls').trim().split('\n'), [
      'hostname hv4',
      'ip address flush dev eno1 scope global',
      'ip address add 10.10.0.14/24 dev eno1',
      'ip link set eno1 up',
      `pvc node join --token-file ${inDirectory('run/token')} --address 10.10.0.14 <${token}>`,
      'systemctl start --no-block pvcd.service',
    ]);
    assert.equal(text('hostname'), 'hv4\n');
    assert.match(text('hosts'), /^10\.10\.0\.14 hv4$/m);
    assert.throws(() => text('run/token'), /ENOENT/, 'the token is not kept');
    assert.throws(() => text('run/join'), /ENOENT/, 'nor is the answer that it was in');
    const [runs, report, ...rest] = told;
    assert.deepEqual(
      [runs, ...rest],
      ['log the system runs', "log it has the cluster's pvc: 1.2.3", 'log it has joined as hv4'],
    );
    assert.match(report ?? '', /^report memory \d+\ndisk \/dev\/sda 480G DISK/);
    for (const said of [output, text('screen'), told.join('\n')]) assert.ok(!said.includes(token), said);
  });

  it('tries again what may pass', async () => {
    let asked = 0;
    replies = {
      [`/machines/${mac}/${word}/join`]: (request, response) => {
        asked += 1;
        (asked < 3 ? refuse(503) : give(`${facts}token=${token}\n`))(request, response);
      },
    };
    const { code, output } = await boot(`[ "$(grep -c '^pvc' ${inDirectory('calls')})" -ge 3 ] || exit 7`);
    assert.deepEqual([code, asked], [0, 3], output);
    assert.equal(text('calls').match(/^pvc/gm)?.length, 3);
  });

  for (const [what, more, pvc, reason] of [
    ['a token that is refused', { [`/machines/${mac}/${word}/join`]: refuse(403) }, 'exit 0', /refuses its token/],
    ['a join that is refused', {}, 'echo "error: used up" >&2; exit 4', /the cluster refuses it: error: used up/],
    [
      'a name that is none',
      { [`/machines/${mac}/${word}/join`]: give(`name=hv4;reboot\naddress=10.10.0.14/24\ntoken=${token}\n`) },
      'exit 0',
      /no name/,
    ],
  ] as const)
    it(`stops readably at once with ${what}`, async () => {
      replies = more;
      const { code } = await boot(pvc);
      assert.equal(code, 1);
      for (const console of ['screen', 'serial']) assert.match(text(console), reason);
      assert.match(told.at(-1) ?? '', /^failed /);
      assert.match(told.at(-1) ?? '', reason);
      assert.ok((text('calls').match(/^pvc/gm)?.length ?? 0) <= 1, 'it is not tried again');
      assert.doesNotMatch(text('calls'), /systemctl/);
    });
});
