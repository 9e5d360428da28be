/**
 * The life of a guest on a node, as an administrator has it on the command line: defined, started,
 * watched, used, changed, shut down, forgotten, and what a power cut leaves of it.
 * @module
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guestDirectory } from '../lab/boot-script.ts';
import { NodeSession } from './node-session.ts';
import { assertDoneAsPlanned, storedSpec } from './plan-check.ts';
import { type Life, TestGuest } from './test-guest.ts';
import { suiteLab, type TestLab } from './test-lab.ts';

const node = 'hv1';
const json = ['--format', 'json'];
const definition = `${guestDirectory}/guest.xml`;
const exit = { failed: 1, notFound: 3, refused: 4, conflict: 5 } as const;

const rows = async (lab: TestLab, ...args: string[]) =>
  (await lab.pvc(node, [...args, ...json])).json() as readonly Record<string, unknown>[];

/** Pings from the world outside. */
const answersPing = async (lab: TestLab, address: string) =>
  (await lab.exec('outside', ['ping', '-q', '-c', '1', '-W', '1', address], { accept: 'any' })).code === 0;

describe('the life of a guest', { concurrency: false }, () => {
  const lab = suiteLab();
  // Made by the first tests, used by the later ones: a boot takes its time where the machine is emulated.
  let web: TestGuest;
  let deaf: TestGuest;
  let spare: TestGuest;

  it('is defined from a libvirt XML as its plan says', async () => {
    await lab().exec(node, [
      'install',
      '-D',
      '-m',
      '0600',
      `${guestDirectory}/disk.img`,
      '/var/lib/pvc/images/web1.img',
    ]);
    const { plan } = await assertDoneAsPlanned(
      lab(),
      ['vm', 'define', definition, '--tag', 'prod', '--priority', '700'],
      'web1',
    );
    assert.deepEqual(
      plan.writes.map(({ change, label }) => ({ change, label })),
      [{ change: 'create', label: 'web1' }],
    );
    web = await TestGuest.find(lab(), 'web1');
    assert.equal(web.uuid, '5b1f0d0c-5d3c-4f0b-9a76-0d1f6a7c1e01');
    const info = await web.info();
    assert.equal(info.state, 'stopped');
    assert.equal(info.memoryMiB, 192);
    assert.deepEqual(info.tags, [{ name: 'prod', protected: false }]);
    const twice = await lab().pvc(node, ['vm', 'define', definition]);
    assert.equal(twice.code, exit.conflict, twice.stderr);
  });

  it('is created from options, and one that is deaf to its power button', async () => {
    [deaf, spare] = await Promise.all([
      TestGuest.create(lab(), 'deaf', { cmdline: 'pvc.ignore_acpi=1', args: ['--shutdown-timeout', '3', '--start'] }),
      TestGuest.create(lab(), 'spare', { args: ['--autostart', '--vcpus', '2', '--nic', 'brupstream'] }),
    ]);
    assert.equal((await spare.info()).vcpus, 2);
    assert.equal((await spare.info()).state, 'stopped');
  });

  it('is modified from a file as its plan says, and a change on an old version is refused', async () => {
    const dump = (await web.run('dump', ...json)).json() as { version: number; xml: string };
    assert.match(dump.xml, /small test guest/);
    const direct = `<kernel>${guestDirectory}/vmlinuz</kernel><initrd>${guestDirectory}/initrd</initrd><cmdline>console=ttyS0 quiet</cmdline>`;
    assert.match(dump.xml, /<boot dev='hd'\/>/);
    await lab().writeFile(
      node,
      '/root/web1.xml',
      dump.xml.replace("<boot dev='hd'/>", direct).replace('small test guest', 'web server'),
    );
    const { plan } = await assertDoneAsPlanned(
      lab(),
      ['vm', 'modify', 'web1', '--file', '/root/web1.xml', '--expect', String(dump.version)],
      'web1',
    );
    assert.match(String(plan.result['diff']), /^- +<title>small test guest</m);
    assert.match(String(plan.result['diff']), /^\+ +<title>web server</m);
    const info = await web.info();
    assert.equal(info.version, dump.version + 1);
    assert.equal(info.kernel?.path, `${guestDirectory}/vmlinuz`);

    const stored = await storedSpec(lab(), 'web1');
    const late = await web.run('modify', '--file', '/root/web1.xml', '--expect', String(dump.version));
    assert.equal(late.code, exit.conflict, late.stderr);
    assert.match(late.stderr, /changed by somebody else/);
    assert.deepEqual(await storedSpec(lab(), 'web1'), stored);
  });

  it('starts as its plan says', async () => {
    const { plan } = await assertDoneAsPlanned(lab(), ['vm', 'start', 'web1'], 'web1');
    assert.deepEqual(
      plan.tasks.map(({ action }) => action),
      ['vm.start'],
    );
    assert.ok(plan.actions.some((action) => action.startsWith('start web1')));
    assert.equal((await web.info()).state, 'running', '`vm start` waits until it runs');
    await web.counts();
    const again = (await web.run('start', ...json)).json() as { warnings: string[]; tasks: string[] };
    assert.deepEqual(again.tasks, []);
    assert.match(again.warnings.join(), /runs already/);
  });

  it('is listed and described, for people and for programs', async () => {
    const list = await rows(lab(), 'vm', 'list');
    assert.deepEqual(
      list.map(({ name, state }) => ({ name, state })),
      [
        { name: 'deaf', state: 'running' },
        { name: 'spare', state: 'stopped' },
        { name: 'web1', state: 'running' },
      ],
    );
    const names = async (...args: string[]) =>
      (await lab().pvc(node, ['vm', 'list', ...args, '--format', 'name'])).ok().stdout;
    assert.equal(await names('--tag', 'prod'), 'web1\n');
    assert.equal(await names('--state', 'stopped'), 'spare\n');
    assert.match((await lab().pvc(node, ['vm', 'list'])).ok().stdout, /^web1 +running +hv1 +1 +192 MiB/m);

    const info = await web.info();
    assert.equal(info.node, node);
    assert.deepEqual(
      info.networks.map(({ mac, source }) => ({ mac, source })),
      [{ mac: '52:54:00:70:76:01', source: 'brupstream' }],
    );
    assert.deepEqual(
      info.disks.map(({ dev, name }) => ({ dev, name })),
      [{ dev: 'vda', name: '/var/lib/pvc/images/web1.img' }],
    );
    assert.equal(info.vnc?.listen, '127.0.0.1');
    const greeting = await lab().exec(node, [
      'bash',
      '-c',
      `exec 3<>/dev/tcp/127.0.0.1/${info.vnc?.port}; head -c 4 <&3`,
    ]);
    assert.equal(greeting.stdout, 'RFB ', 'VNC is where `vm info` says');
    const { stdout } = (await web.run('info')).ok();
    for (const line of [
      /^Name: +web1$/m,
      /^State: +running \(booted\)/m,
      /^Memory: +192 MiB$/m,
      /brupstream +52:54:00:70:76:01/,
      /\/var\/lib\/pvc\/images\/web1\.img/,
    ])
      assert.match(stdout, line);
    assert.match((await web.run('live-xml')).ok().stdout, /<domain type='(?:qemu|kvm)' id='\d+'/);
    const missing = await lab().pvc(node, ['vm', 'info', 'nobody']);
    assert.equal(missing.code, exit.notFound);
  });

  it('has statistics', async () => {
    const stats = async () =>
      (await web.run('stats', ...json)).json() as {
        cpuSeconds: number;
        memoryKiB: { current: number; rss: number };
        interfaces: { rxBytes: number }[];
        disks: { name: string; readBytes: number }[];
      };
    const first = await stats();
    assert.equal(first.memoryKiB.current, 192 * 1024);
    assert.equal(first.interfaces.length, 1);
    assert.deepEqual(
      first.disks.map(({ name }) => name),
      ['vda'],
    );
    await lab().waitFor('its CPU time to grow', async () => (await stats()).cpuSeconds > first.cpuSeconds);
    assert.match((await web.run('stats')).ok().stdout, /CPU time/);
    assert.equal((await spare.run('stats')).code, exit.refused);
  });

  it('shows its console log, and follows it until Ctrl-C', async () => {
    const life = await web.counts();
    const { stdout } = (await web.run('log', '--lines', '3')).ok();
    assert.match(stdout, /^.*\n.*\n.*\n$/);
    const whole = (await web.console()).replaceAll('\r', '');
    assert.ok(whole.includes(stdout), `not of its console: ${stdout}`);
    assert.match((await web.run('log')).ok().stdout, new RegExp(`boot ${life.bootId}`));
    await using session = await NodeSession.onTerminal(lab(), node, ['pvc', 'vm', 'log', '-f', 'web1', '--lines', '1']);
    const [, count] = await session.sees(/counter (\d+)/);
    await session.sees(new RegExp(`counter ${Number(count) + 2}\\r?\\n`));
    session.send('\u0003');
    assert.equal(await session.ended(), 0);
  });

  it('has a console to type at', async () => {
    await using session = await NodeSession.onTerminal(lab(), node, ['pvc', 'vm', 'console', 'web1']);
    await session.sees(/Ctrl-\]/);
    session.send('\r');
    await session.sees(/pvc-guest# /);
    session.send('echo $((6 * 7))-is-the-answer\r');
    await session.sees(/42-is-the-answer\r/);
    await using second = await NodeSession.onTerminal(lab(), node, ['pvc', 'vm', 'console', 'web1']);
    assert.notEqual(await second.ended(), 0, 'one at a time');
    session.send('\u001d');
    assert.equal(await session.ended(), 0);
    await web.countsOn(await web.counts());
  });

  it('takes and gives network cards and disks while it runs', async () => {
    const before = await web.counts();
    await lab().exec(node, ['truncate', '-s', '9M', '/var/lib/pvc/images/extra.img']);
    const added = (await web.run('nic add', 'brupstream', ...json)).json() as { result: { mac: string } };
    const { mac } = added.result;
    (await web.run('disk add', '/var/lib/pvc/images/extra.img', '--target', 'vdb')).ok();
    const said = async (pattern: RegExp) => pattern.exec(await web.console());
    await web.waitFor('tell of the disk', () => said(/disk vdb 9437184 bytes/));
    await web.waitFor('tell of the card', () => said(new RegExp(`nic eth1 ${mac} added`)));
    const [, address = ''] = await web.waitFor('get an address on it', () => said(/address eth1 ([\d.]+)/));
    await lab().waitFor(`${address} to answer`, () => answersPing(lab(), address));
    assert.deepEqual((await web.info()).restartNeeded, []);

    (await web.run('disk remove', 'vdb')).ok();
    (await web.run('nic remove', mac)).ok();
    await web.waitFor('tell that the card is gone', () => said(/nic eth1 .*removed/));
    await web.waitFor('tell that the disk is gone', () => said(/disk vdb removed/));
    const info = await web.info();
    assert.equal(info.networks.length, 1);
    assert.equal(info.disks.length, 1);
    await lab().waitFor('libvirt to have let go of both', async () => {
      const { stdout } = await web.run('live-xml');
      return !stdout.includes('extra.img') && !stdout.includes(mac);
    });
    assert.deepEqual((await web.info()).restartNeeded, []);
    assert.equal((await web.run('nic remove', mac)).code, exit.notFound);
    await web.countsOn(before);
  });

  it('takes new memory and vCPUs at its restart', async () => {
    const before = await web.counts();
    (await web.run('set memory', '224')).ok();
    (await web.run('set vcpu', '2')).ok();
    const waiting = await web.waitFor('say what waits for a restart', async () => {
      const info = await web.info();
      return info.restartNeeded.length === 2 && info;
    });
    assert.match(waiting.restartNeeded.join('\n'), /192 MiB → 224 MiB/);
    await web.countsOn(before);
    (await web.run('restart')).ok();
    await web.counts(before);
    assert.match(await web.console(), /memory 1[89]\d MiB cpus 2\r?\n/);
    const info = await web.info();
    assert.deepEqual([info.memoryMiB, info.vcpus, info.restartNeeded], [224, 2, []]);
  });

  it('is paused, resumed and reset', async () => {
    const before = await web.counts();
    (await web.run('pause')).ok();
    assert.equal((await web.info()).state, 'paused');
    const frozen = (await web.life()) as Life;
    assert.equal((await web.run('pause')).code, exit.refused);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(await web.life(), frozen, 'a paused guest counts on');
    (await web.run('resume')).ok();
    assert.equal((await web.info()).state, 'running');
    await web.countsOn(before);
    (await web.run('reset')).ok();
    await web.counts(before);
    assert.equal((await web.info()).state, 'running');
  });

  it('that ignores its power button is switched off, or left running, as configured', async () => {
    const first = await deaf.counts();
    (await deaf.run('restart')).ok();
    const second = await deaf.bootsAgain(first);

    (await deaf.run('meta', '--on-timeout', 'fail')).ok();
    const failed = await deaf.run('shutdown');
    assert.equal(failed.code, exit.failed, failed.stderr);
    assert.match(failed.stderr, /did not shut down within 3 s/);
    const left = await deaf.info();
    assert.deepEqual([left.state, left.run], ['running', 'running']);
    const restart = await deaf.run('restart');
    assert.equal(restart.code, exit.failed, restart.stderr);
    await deaf.countsOn(second);

    (await deaf.run('meta', '--on-timeout', 'poweroff')).ok();
    (await deaf.run('shutdown')).ok();
    const off = await deaf.info();
    assert.deepEqual([off.state, off.run], ['stopped', 'stopped']);
    (await deaf.run('start')).ok();
    (await deaf.run('stop')).ok();
    assert.equal((await deaf.info()).state, 'stopped');
  });

  it('is shut down by its power button', async () => {
    const before = await web.counts();
    (await web.run('shutdown')).ok();
    const info = await web.info();
    assert.deepEqual([info.state, info.run], ['stopped', 'stopped']);
    assert.match(await web.console(), /power button/);
    assert.equal((await web.life())?.bootId, before.bootId);
    assert.equal((await web.run('restart')).code, exit.refused);
  });

  it('is renamed, tagged and protected', async () => {
    assert.equal((await web.run('rename', 'spare')).code, exit.conflict);
    (await web.run('rename', 'web2')).ok();
    web = await TestGuest.find(lab(), 'web2');
    assert.equal((await web.info()).uuid, web.uuid);
    (await web.run('tag add', 'gold', '--protect')).ok();
    assert.equal((await web.run('undefine')).code, exit.refused);
    assert.equal((await web.run('tag remove', 'gold')).code, exit.refused);
    (await web.run('tag remove', 'gold', '--force')).ok();
    (await web.run('meta', '--protected')).ok();
    const refused = await web.run('undefine');
    assert.equal(refused.code, exit.refused);
    assert.match(refused.stderr, /protected/);
    (await web.run('meta', '--no-protected')).ok();
  });

  it('comes back after a power cut as its intent says', async () => {
    const autostarted = spare; // stopped, to be started with its node
    const off = await TestGuest.create(lab(), 'off');
    const disabled = await TestGuest.create(lab(), 'disabled', { args: ['--autostart'] });
    (await disabled.run('disable')).ok();
    (await web.run('start')).ok();
    const before = await web.counts();
    await lab().power(node, 'off');
    await lab().power(node, 'on');
    await web.counts(before);
    await autostarted.counts();
    const state = async (guest: TestGuest) => {
      const { state: is, run } = await guest.info();
      return [is, run];
    };
    assert.deepEqual(await state(web), ['running', 'running']);
    assert.deepEqual(await state(autostarted), ['running', 'running']);
    assert.deepEqual(await state(off), ['stopped', 'stopped']);
    assert.deepEqual(await state(deaf), ['stopped', 'stopped']);
    assert.deepEqual(await state(disabled), ['stopped', 'disabled']);
    assert.equal((await lab().exec(node, ['pgrep', '-c', '-f', '^/usr/bin/qemu-system'])).stdout, '2\n');

    (await disabled.run('start')).ok();
    (await disabled.run('disable', '--force')).ok();
    assert.deepEqual(await state(disabled), ['stopped', 'disabled']);
  });

  it('is forgotten as its plan says; its disk stays', async () => {
    assert.equal((await web.run('undefine')).code, exit.refused, 'while it runs');
    (await web.run('stop')).ok();
    await assertDoneAsPlanned(lab(), ['vm', 'undefine', 'web2'], 'web2');
    assert.equal((await web.run('info')).code, exit.notFound);
    await lab().exec(node, ['test', '-e', '/var/lib/pvc/images/web1.img']);
    (await lab().pvc(node, ['vm', 'define', definition])).ok();
  });

  it('is seen in what the cluster tells of itself', async () => {
    const status = (await lab().pvc(node, ['cluster', 'status', ...json])).json() as Record<string, unknown>;
    assert.ok(Object.keys(status).length > 3);
    await lab().waitFor('a healthy cluster', async () => {
      const { stdout } = await lab().pvc(node, ['cluster', 'status']);
      return /^Health: +100 %$/m.test(stdout) && /^Guests running: +1$/m.test(stdout) && /^Guests: +5$/m.test(stdout);
    });
    const info = (await lab().pvc(node, ['node', 'info', node, ...json])).json() as Record<string, unknown>;
    assert.equal(info['name'], node);
    assert.match((await lab().pvc(node, ['node', 'info', node])).ok().stdout, /libvirtd +running/);

    const tasks = await rows(lab(), 'task', 'list');
    assert.ok(tasks.every(({ state }) => state === 'succeeded' || state === 'failed'));
    assert.deepEqual(
      tasks.filter(({ state }) => state === 'failed').map(({ action }) => action),
      ['vm.restart', 'vm.shutdown'],
    );
    assert.match((await lab().pvc(node, ['task', 'list'])).ok().stdout, /succeeded +vm\.start +web1/);

    const audit = await rows(lab(), 'cluster', 'audit', '--limit', '200');
    const operations = new Set(audit.map(({ operation }) => operation));
    for (const operation of [
      'cluster.init',
      'vm.define',
      'vm.create',
      'vm.start',
      'vm.modify',
      'vm.nic-add',
      'vm.rename',
      'vm.undefine',
    ]) {
      assert.ok(operations.has(operation), `no audit record of ${operation}`);
    }
    assert.match(
      (await lab().pvc(node, ['cluster', 'audit'])).ok().stdout,
      /root +socket +vm\.undefine +vm web2 removed/,
    );

    const events = await rows(lab(), 'event', 'list', '--limit', '1000');
    const seen = (type: string, label: string, summary: RegExp) =>
      events.some(
        (event) =>
          event['kind'] === 'vm' &&
          event['type'] === type &&
          event['label'] === label &&
          summary.test(String(event['summary'])),
      );
    assert.ok(seen('removed', 'web2', /^/));
    assert.ok(seen('status', 'web2', /state running → stopped/));
    assert.ok(seen('changed', 'web2', /run stopped → running/) || seen('changed', 'web2', /run running → stopped/));
    await using session = await NodeSession.onTerminal(lab(), node, ['pvc', 'events', '--kind', 'vm', '--last', '1']);
    await session.sees(/\S/);
    (await spare.run('meta', '--priority', '1')).ok();
    await session.sees(/spare changed: priority 500 → 1/);
    session.send('\u0003');
    assert.equal(await session.ended(), 0);
  });
});
