/** The Debian package that `npm run build:deb` made: what is in it, and what its scripts do. @module */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { packageVersion } from '../../build/bundle.ts';
import { inRepository } from '../../build/paths.ts';

const file = inRepository(`dist/pvc_${packageVersion()}_amd64.deb`);
const dpkgDeb = (...args: string[]): string => execFileSync('dpkg-deb', args, { encoding: 'utf8' });

describe('the Debian package', () => {
  before(() => assert.ok(existsSync(file), 'run "npm run build:deb" first'));

  it('says what it is and what it needs', () => {
    const field = (name: string): string => dpkgDeb('--field', file, name).trim();
    assert.equal(field('Package'), 'pvc');
    assert.equal(field('Version'), packageVersion());
    assert.equal(field('Architecture'), 'amd64');
    const depends = field('Depends').split(', ');
    for (const needed of ['libc6 (>= 2.34)', 'libvirt-daemon-system', 'qemu-system-x86', 'iproute2'])
      assert.ok(depends.includes(needed), needed);
    assert.ok(!depends.includes('zookeeper'), 'only coordinators run it');
    assert.ok(field('Recommends').split(', ').includes('zookeeper'));
    assert.ok(!field('Depends').includes('nodejs'), 'needs no Node on the machine');
  });

  it('holds these files, owned by root', () => {
    const entries = dpkgDeb('--contents', file)
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/))
      .filter(([mode]) => !mode?.startsWith('d'))
      .map(([mode, owner, , , , ...path]) => `${mode} ${owner} ${path.join(' ')}`);
    assert.deepEqual(entries.toSorted(), [
      '-rw------- root/root ./etc/pvc/pvc.yaml',
      '-rw-r--r-- root/root ./usr/lib/systemd/system/pvc-dnsmasq@.service',
      '-rw-r--r-- root/root ./usr/lib/systemd/system/pvc-leave.service',
      '-rw-r--r-- root/root ./usr/lib/systemd/system/pvcd.service',
      '-rw-r--r-- root/root ./usr/share/bash-completion/completions/pvc',
      '-rw-r--r-- root/root ./usr/share/doc/pvc/THIRD-PARTY.txt',
      '-rw-r--r-- root/root ./usr/share/doc/pvc/copyright',
      '-rw-r--r-- root/root ./usr/share/doc/pvc/pvc.yaml',
      '-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/pvc.fish',
      '-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_pvc',
      '-rwxr-xr-x root/root ./usr/bin/pvc',
      '-rwxr-xr-x root/root ./usr/lib/pvc/leave-at-shutdown',
      'lrwxrwxrwx root/root ./usr/sbin/pvcd -> ../bin/pvc',
    ]);
  });

  it('has shell scripts without a mistake in their grammar', () => {
    for (const script of ['postinst', 'prerm', 'postrm'])
      execFileSync('sh', ['-n', inRepository(`build/deb/${script}`)]);
  });
});

describe('the Debian package in a scratch root', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  let root = '';
  const dpkg = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(
      'dpkg',
      [`--root=${root}`, '--force-depends', '--force-script-chrootless', ...args],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 0, stderr);
    return stdout;
  };

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'pvc-deb-'));
    for (const directory of ['info', 'updates', 'triggers'])
      mkdirSync(join(root, 'var/lib/dpkg', directory), { recursive: true });
    for (const name of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', name), '');
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it('installs, tells the next step, and enables nothing', () => {
    const said = dpkg('--install', file);
    assert.match(said, /systemctl enable --now pvcd\n\s+pvc cluster init/);
    assert.ok(!existsSync(join(root, 'etc/systemd/system/multi-user.target.wants/pvcd.service')));
    assert.equal(statSync(join(root, 'etc/pvc/pvc.yaml')).mode & 0o777, 0o600);
  });

  it('has a unit that leaves guests alone when the daemon stops', () => {
    const unit = readFileSync(join(root, 'usr/lib/systemd/system/pvcd.service'), 'utf8');
    assert.match(unit, /^KillMode=process$/m);
    assert.match(unit, /^Restart=always$/m);
    assert.match(unit, /^ExecStart=\/usr\/bin\/pvc daemon$/m);
  });

  it('has a unit whose end leaves the machine, by what is installed', () => {
    const unit = readFileSync(join(root, 'usr/lib/systemd/system/pvc-leave.service'), 'utf8');
    const [, script = ''] = /^ExecStop=(.+)$/m.exec(unit) ?? [];
    assert.equal(statSync(join(root, script)).mode & 0o777, 0o755);
  });

  it('has a binary that runs, also by the name of the daemon', () => {
    const run = (path: string): string => execFileSync(join(root, path), ['--version'], { encoding: 'utf8', env: {} });
    assert.ok(run('usr/bin/pvc').includes(packageVersion()));
    assert.equal(readlinkSync(join(root, 'usr/sbin/pvcd')), '../bin/pvc');
  });

  it('has a completion for bash that bash can read', () => {
    execFileSync('bash', ['-n', join(root, 'usr/share/bash-completion/completions/pvc')]);
  });

  it('keeps a changed configuration and the state when it is removed, and the state when purged', () => {
    appendFileSync(join(root, 'etc/pvc/pvc.yaml'), '# mine\n');
    mkdirSync(join(root, 'var/lib/pvc'), { recursive: true });
    writeFileSync(join(root, 'var/lib/pvc/store.sqlite'), 'guests');
    dpkg('--install', file);
    assert.match(readFileSync(join(root, 'etc/pvc/pvc.yaml'), 'utf8'), /# mine/, 'kept over an upgrade');
    dpkg('--remove', 'pvc');
    assert.ok(!existsSync(join(root, 'usr/bin/pvc')));
    assert.match(readFileSync(join(root, 'etc/pvc/pvc.yaml'), 'utf8'), /# mine/, 'kept over a removal');
    const said = dpkg('--purge', 'pvc');
    assert.match(said, /kept in \/var\/lib\/pvc/);
    assert.ok(!existsSync(join(root, 'etc/pvc')));
    assert.equal(readFileSync(join(root, 'var/lib/pvc/store.sqlite'), 'utf8'), 'guests');
  });
});
