/**
 * Whole guests in files and back: what comes back is what was there, what is damaged is refused before anything is
 * written, and a daemon that dies meanwhile leaves nothing half-done. Part of the suite about snapshots, whose lab it uses.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it, type TestContext } from 'node:test';
import { nodeProcesses } from './node-process.ts';
import { settled } from './settled.ts';
import { TestGuest } from './test-guest.ts';
import type { TestLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

const backup = '/var/backup';
const set = (snapshot: string): string => `${backup}/web2@${snapshot}`;

export function guestExports(lab: () => TestLab): void {
  describe('exports of a guest', { concurrency: false }, () => {
    let guest: TestGuest;
    const pvc = (...args: string[]) => lab().pvc('hv1', [...args, '--yes']);
    const run = async (...args: string[]) => (await pvc(...args)).ok();
    const sh = async (text: string) => (await lab().exec('hv1', ['sh', '-c', text])).stdout.trim();
    const sum = (image: string) => sh(`rbd export ${image} - --no-progress | sha256sum`);
    const images = () => sh('rbd ls vms | sort | tr "\\n" " "');
    const refused = async (code: number, text: RegExp, ...args: string[]) => {
      const answer = await pvc(...args);
      const said = answer.stderr.replace(/\s+/g, ' ');
      assert.deepEqual([answer.code, text.test(said)], [code, true], answer.stderr);
    };

    /** What both disks held in a snapshot. */
    async function sumsIn(snapshot: string): Promise<string[]> {
      const rows = await lab().ask('hv1', 'vm.snapshot-list', { vm: 'web2' });
      const disks = rows.find(({ name }) => name === snapshot)?.disks ?? [];
      assert.equal(disks.length, 2);
      return Promise.all(disks.map((disk) => sum(`${disk.volume}@${disk.snapshot}`)));
    }

    async function forget(name: string, volumes: readonly string[]): Promise<void> {
      await run('vm', 'stop', name);
      await lab().waitFor(`${name} to be off`, async () => {
        const info = await lab().ask('hv1', 'vm.info', { vm: name });
        return info.state === 'stopped';
      });
      for (const row of await lab().ask('hv1', 'vm.snapshot-list', { vm: name }))
        await run('vm', 'snapshot', 'remove', name, row.name);
      await run('vm', 'undefine', name);
      for (const volume of volumes) await run('storage', 'volume', 'remove', volume);
    }

    /** Undefined for a process that has ended. Z is one that has, and was not reaped yet (proc_pid_stat(5)). */
    async function stateOf(pid: number): Promise<string | undefined> {
      try {
        return /^\d+ \(.*\) (\w)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1];
      } catch (error) {
        if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        throw error;
      }
    }

    /** @returns false: it has ended since it was seen; the next disk has a command of its own */
    async function stopped(pid: number): Promise<boolean> {
      try {
        process.kill(pid, 'SIGSTOP');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
        throw error;
      }
      // A signal to what has just ended is no error either.
      const seen = await waitFor(
        `process ${pid} to stop or to end`,
        async () => {
          const state = (await stateOf(pid)) ?? 'Z';
          return 'TZX'.includes(state) && state;
        },
        { timeoutMs: 10_000, everyMs: 5 },
      );
      return seen === 'T';
    }

    /** Begins something, and holds the command of rbd that does it once it has begun. */
    async function held(verb: string, ...args: string[]): Promise<number> {
      (await pvc(...args, '--no-wait')).ok();
      const rbd = (words: readonly string[]) => words[0] === 'rbd' && words.includes(verb);
      return waitFor(
        `rbd ${verb}`,
        async () => {
          const [found] = await nodeProcesses(lab(), 'hv1', rbd);
          return found !== undefined && (await stopped(found.pid)) && found.pid;
        },
        { timeoutMs: 30_000, everyMs: 5 },
      );
    }

    async function dies(pid: number): Promise<void> {
      try {
        await lab().daemon('hv1', 'kill');
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await lab().daemon('hv1', 'start');
      await settled(lab(), 'hv1');
    }

    let first: string[] = [];
    let second: string[] = [];

    before(async () => {
      for (const volume of ['vms/c', 'vms/d']) await run('storage', 'volume', 'add', volume, '48M');
      await run('storage', 'volume', 'limit', 'vms/d', '--iops', '50000');
      const disks = ['--disk', 'volume=vms/c,bus=virtio', '--disk', 'volume=vms/d,bus=virtio'];
      guest = await TestGuest.create(lab(), 'web2', {
        args: [...disks, '--nic', 'brupstream', '--tag', 'blue', '--start'],
      });
      await guest.counts();
      const write = (disk: string, count: number, seek: number) =>
        `dd if=/dev/urandom of=/dev/${disk} bs=64k count=${count} seek=${seek} conv=fsync 2>/dev/null`;
      await guest.shell(`${write('vda', 20, 0)}; ${write('vdb', 400, 8)}`);
      await run('vm', 'snapshot', 'add', 'web2', 'one');
      await guest.shell(`${write('vda', 3, 5)}; ${write('vdb', 100, 200)}`);
      await run('vm', 'snapshot', 'add', 'web2', 'two');
      first = await sumsIn('one');
      second = await sumsIn('two');
      assert.notDeepEqual(first, second);
      await sh(`mkdir -p ${backup} /var/small; mount -t tmpfs -o size=8m none /var/small`);
    });

    it('are files, and smaller where they build on others', async () => {
      await run('vm', 'snapshot', 'export', 'web2', 'one', backup);
      await run('vm', 'snapshot', 'export', 'web2', 'two', backup, '--since', 'one');
      assert.equal(
        await sh(`ls -A ${backup} ${set('two')}`),
        `${backup}:\nweb2@one\nweb2@two\n\n${set('two')}:\npvc-guest.json\nvda.copy\nvdb.copy`,
      );
      const [full, later] = (await sh(`stat -c %s ${set('one')}/vdb.copy ${set('two')}/vdb.copy`))
        .split('\n')
        .map(Number);
      assert.ok(
        later !== undefined && full !== undefined && later > 6_000_000 && later < full / 3,
        `${full}, then ${later}`,
      );
    });

    it('are refused where they make no sense', async () => {
      for (const [code, text, ...args] of [
        [5, /something at \/var\/backup\/web2@one on hv1 already/, 'one', backup],
        [4, /cannot build on two: that one is newer/, 'one', backup, '--since', 'two'],
        [4, /cannot build on one: it is the same snapshot/, 'one', backup, '--since', 'one'],
        [3, /no snapshot none/, 'none', backup],
        [3, /no snapshot none/, 'two', backup, '--since', 'none'],
        [4, /no directory \/var\/none on hv1/, 'one', '/var/none'],
        [4, /no room for the export: .* are needed in \/var\/small, and 8 MiB are free/, 'one', '/var/small'],
        [2, /an absolute path/, 'one', 'here'],
        [2, /an absolute path/, 'one', '/var/../etc'],
        [3, /hv9/, 'one', backup, '--node', 'hv9'],
      ] as const)
        await refused(code, text, 'vm', 'snapshot', 'export', 'web2', ...args);
      assert.equal(await sh(`ls -A ${backup} /var/small`), `${backup}:\nweb2@one\nweb2@two\n\n/var/small:`);
    });

    it('make the guest once more beside it', async () => {
      await refused(5, /already a vm with name web2/, 'vm', 'import', set('one'), set('two'));
      await run('vm', 'import', set('two'), set('one'), '--name', 'twin', '--no-start');
      assert.deepEqual(await Promise.all(['vms/twin-vda', 'vms/twin-vdb'].map(sum)), second);
      const [twin, own] = [await lab().ask('hv1', 'vm.info', { vm: 'twin' }), await guest.info()];
      assert.deepEqual([twin.state, twin.run], ['stopped', 'stopped']);
      assert.notEqual(twin.uuid, own.uuid);
      assert.notEqual(twin.networks[0]?.mac, own.networks[0]?.mac);
      await forget('twin', ['vms/twin-vda', 'vms/twin-vdb']);
    });

    it('that are damaged make no guest', async () => {
      const before_ = await images();
      const bad = `${backup}/bad`;
      const damaged = async (how: string, code: number, text: RegExp) => {
        await sh(`rm -rf ${bad}; cp -a ${set('one')} ${bad}; cd ${bad}; ${how}`);
        await refused(code, text, 'vm', 'import', bad, '--name', 'bad');
        assert.equal(await images(), before_);
        assert.ok((await lab().ask('hv1', 'vm.list', {})).every(({ name }) => name !== 'bad'));
      };
      const replace = (from: string, to: string) => `sed -i 's#${from}#${to}#' pvc-guest.json`;
      for (const [how, code, text] of [
        [
          'printf X | dd of=vdb.copy bs=1 seek=9000000 conv=notrunc 2>/dev/null',
          2,
          /vdb\.copy: its SHA-256 is .* and should be/,
        ],
        ['truncate -s -1 vdb.copy', 2, /vdb\.copy has \d+ bytes, and should have/],
        ['rm vda.copy', 2, /its file vda\.copy is missing/],
        ['mv vda.copy /var/vda.copy; ln -s /var/vda.copy vda.copy', 2, /vda\.copy is a link/],
        ['rm pvc-guest.json', 2, /its file pvc-guest\.json is missing/],
        [replace('"vda.copy"', '"../web2@one/vda.copy"'), 2, /disks\.0\.file: is TARGET\.copy/],
        [replace('"vms/c"', '"vms/c@x"'), 2, /disks\.0\.volume/],
        [replace('"guest-one-', '"guest-won-'), 2, /vda\.copy: it is "guest-one-.*, and not "guest-won-/],
        [
          replace('"sizeBytes": 50331648', '"sizeBytes": 50331136'),
          2,
          /with 50331648 bytes, and not .* with 50331136 bytes/,
        ],
        [replace('"limits": {', '"limits": { "x": 1,'), 2, /What is told of the volume vms\/bad-vda cannot be taken/],
        [replace('<domain type', '<domian type'), 2, /domain/],
        [replace('"version": 1', '"version": 9'), 2, /version 9 of its form/],
        ['head -c 100 pvc-guest.json > x; mv x pvc-guest.json', 2, /is no JSON/],
      ] as const)
        await damaged(how, code, text);
      await sh(`rm -rf ${bad}`);
      for (const [text, ...args] of [
        [/builds on the export of one, which is not among them/, set('two')],
        [/two are of the same snapshot/, set('one'), set('one')],
        [/there is no pool nowhere/, set('one'), '--pool', 'nowhere'],
      ] as const)
        await refused(2, text, 'vm', 'import', ...args, '--name', 'bad');
      await refused(4, /no directory \/var\/backup\/none on hv1/, 'vm', 'import', `${backup}/none`, '--name', 'bad');
      assert.equal(await images(), before_);
    });

    it('bring a guest that is gone back as it was: it runs', async (t: TestContext) => {
      const { uuid, networks } = await guest.info();
      await forget('web2', ['vms/c', 'vms/d']);
      assert.ok(!(await images()).includes('c '));
      const life = await guest.life();
      const began = Date.now();
      await run('vm', 'import', set('two'), set('one'));
      t.diagnostic(`imported in ${Date.now() - began} ms`);
      const info = await guest.becomes('running');
      assert.deepEqual([info.uuid, info.networks[0]?.mac, info.run], [uuid, networks[0]?.mac, 'running']);
      assert.deepEqual(
        info.tags.map(({ name }) => name),
        ['blue'],
      );
      await guest.counts(life);
      (await guest.run('stop')).ok();
      await guest.becomes('stopped');
      assert.deepEqual(await Promise.all(['vms/c', 'vms/d'].map(sum)), second);
      assert.equal(await sh('rbd snap ls vms/c; rbd snap ls vms/d'), '');
      assert.match(await sh('rbd config image get vms/d rbd_qos_iops_limit'), /50000/);
    });

    it('bring a guest that was off back off, in another state of the past too', async () => {
      await run('vm', 'snapshot', 'add', 'web2', 'off');
      await run('vm', 'snapshot', 'export', 'web2', 'off', backup);
      await forget('web2', ['vms/c', 'vms/d']);
      await run('vm', 'import', set('off'));
      assert.deepEqual([(await guest.info()).state, (await guest.info()).run], ['stopped', 'stopped']);
      assert.deepEqual(await Promise.all(['vms/c', 'vms/d'].map(sum)), second);
      await forget('web2', ['vms/c', 'vms/d']);
      await run('vm', 'import', set('one'), '--no-start');
      assert.deepEqual(await Promise.all(['vms/c', 'vms/d'].map(sum)), first);
    });

    it('go on when the daemon dies while they are made, and leave nothing when they are cancelled', async () => {
      await run('vm', 'snapshot', 'add', 'web2', 'three');
      const three = ['vm', 'snapshot', 'export', 'web2', 'three', backup] as const;
      const task = async () => (await lab().ask('hv1', 'task.list', { state: 'active' }))[0]?.id ?? '';
      const cancelled = await held('export-diff', ...three);
      await refused(4, /needed by an export that is under way/, 'vm', 'snapshot', 'remove', 'web2', 'three');
      assert.match(await sh(`ls -A ${backup}`), /^\.web2@three\.pvc-/);
      await run('task', 'cancel', await task());
      await settled(lab(), 'hv1');
      assert.throws(() => process.kill(cancelled, 0), /ESRCH/);
      assert.doesNotMatch(await sh(`ls -A ${backup}`), /three/);
      await dies(await held('export-diff', ...three));
      assert.match(await sh(`ls -A ${backup}`), /^web2@off\nweb2@one\nweb2@three\nweb2@two$/);
      await run('vm', 'import', set('three'), '--name', 'three', '--no-start');
      assert.deepEqual(await Promise.all(['vms/three-vda', 'vms/three-vdb'].map(sum)), first);
      await forget('three', ['vms/three-vda', 'vms/three-vdb']);
    });

    it('are imported to the end when the daemon dies, and leave nothing when they are cancelled', async () => {
      const before_ = await images();
      const twin = ['vm', 'import', set('one'), set('two'), '--name', 'twin', '--no-start'] as const;
      const rbd = await held('import-diff', ...twin);
      try {
        const [task] = await lab().ask('hv1', 'task.list', { state: 'active' });
        (await pvc('task', 'cancel', task?.id ?? '')).ok();
      } finally {
        process.kill(rbd, 'SIGCONT');
      }
      await settled(lab(), 'hv1');
      assert.equal(await images(), before_);
      assert.ok((await lab().ask('hv1', 'vm.list', {})).every(({ name }) => name !== 'twin'));
      await dies(await held('import-diff', ...twin));
      assert.deepEqual(await Promise.all(['vms/twin-vda', 'vms/twin-vdb'].map(sum)), second);
      assert.equal(await sh('rbd snap ls vms/twin-vda; rbd snap ls vms/twin-vdb'), '');
      await forget('twin', ['vms/twin-vda', 'vms/twin-vdb']);
      assert.equal(await images(), before_);
    });
  });
}
