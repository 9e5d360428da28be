/**
 * Guests of a profile: three by one command, each told what it is by the metadata service; one with a disk that says it. What is cancelled, fails or is cut off by the
 * death of the daemon leaves nothing. Part of the suite about a guest on storage, whose lab and volume `vms/web1` it uses.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { TestGuest } from './test-guest.ts';
import type { TestLab } from './test-lab.ts';

const password = 'known-to-nobody';
const document = `#cloud-config\npassword: ${password}\nruncmd: [[sh, -c, "echo hello"]]\n`;
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHB2Yy10ZXN0LWtleS1vZi1uby1ib2R5LTAwMDAwMDAw admin@site';

export function guestProvisioning(lab: () => TestLab): void {
  describe('guests of a profile', { concurrency: false }, () => {
    const pvc = (...args: string[]) => lab().pvc('hv1', [...args, '--yes']);
    const run = async (...args: string[]) => (await pvc('provisioner', ...args)).ok();
    const sh = async (text: string) => (await lab().exec('hv1', ['sh', '-c', text])).stdout.trim();
    const images = () => sh('rbd ls vms | grep -e shop -e gone | sort | tr "\\n" " "');
    const guests = async () => (await lab().ask('hv1', 'vm.list', {})).map(({ name }) => name);
    /** A file of the seed, as anybody reads it who has the disk. */
    const seed = (guest: string, file: string) =>
      sh(`rbd export vms/${guest}-seed - --no-progress >/tmp/seed.iso && isoinfo -i /tmp/seed.iso -R -x /${file}`);
    const consoleOf = async (node: string, uuid: string) =>
      (await lab().exec(node, ['cat', `/var/log/pvc/console/${uuid}.log`], { accept: 'any' })).stdout;
    const ended = async (id: string) => {
      const { state } = await lab().ask('hv1', 'task.show', { task: id });
      return ['succeeded', 'failed', 'cancelled'].includes(state) && state;
    };
    const refused = async (text: RegExp, ...args: string[]) => {
      const answer = await pvc(...args);
      assert.equal(answer.code, 4, answer.stderr);
      assert.match(answer.stderr.replace(/\s+/g, ' '), text);
    };
    async function begin(name: string): Promise<string> {
      const answer = await pvc('provisioner', 'create', name, 'shop', '--no-wait', '--format', 'json');
      const { tasks } = answer.json() as { tasks: { id: string }[] };
      return tasks[0]?.id ?? assert.fail('no task');
    }
    const stop = async (name: string) => (await pvc('vm', 'stop', name)).ok();

    it('are three by one command, each with disks of its own, and told what it is over the network', async (t: TestContext) => {
      await lab().writeFile('hv1', '/root/shop.yaml', document);
      const taken = await run('image', 'add', 'tiny', 'vms/web1', '--min-memory', '64');
      assert.match(taken.stderr.replace(/\s+/g, ' '), /what a power cut would leave/);
      // By what runs there: the memory that a node of the lab tells is this machine's, at another moment than its neighbour's.
      await run('template', 'system', 'add', 'small', '--memory', '128', '--graphics', 'none', '--selector', 'vms');
      const addresses = ['--ipv4', '10.26.0.0/24', '--gateway4', 'first', '--domain', 'shop.example'];
      (await pvc('network', 'add', 'shop', ...addresses, '--gateway-mode', 'anycast')).ok();
      (await pvc('network', 'dhcp', 'enable', 'shop')).ok();
      await run('template', 'network', 'add', 'shop', '--nic', 'shop');
      const disks = ['pool=vms,image=tiny', 'pool=vms,size=16M,filesystem=ext4,mountpoint=/srv'];
      await run('template', 'storage', 'add', 'two', ...disks.flatMap((disk) => ['--disk', disk]));
      await run('userdata', 'add', 'shop', '/root/shop.yaml');
      const parts = ['--system', 'small', '--storage', 'two', '--network', 'shop', '--userdata', 'shop'];
      await run('profile', 'add', 'shop', ...parts, '--ssh-key', key, '--seed', 'network');

      const beganMs = performance.now();
      await run('create', 'shop', 'shop', '--count', '3');
      const tookMs = performance.now() - beganMs;
      t.diagnostic(`three guests are made in ${tookMs.toFixed(0)} ms: ${(tookMs / 3).toFixed(0)} ms each`);
      const rows = (await lab().ask('hv1', 'vm.list', {})).filter(({ name }) => name.startsWith('shop'));
      assert.deepEqual(rows.map(({ name }) => name).toSorted(), ['shop1', 'shop2', 'shop3']);
      assert.ok(new Set(rows.map(({ node }) => node)).size > 1, 'all are on one node');
      for (const { name } of rows)
        assert.match(await sh(`rbd info vms/${name}-disk1 --format json`), /"parent":\{[^}]*"image":"web1"/);
      assert.equal((await images()).includes('seed'), false);
      for (const { name, node, uuid } of rows)
        await lab().waitFor(
          `${name} to be told what it is`,
          async () => (await consoleOf(node, uuid)).includes(`told to be ${name}\r`),
          { timeoutMs: 240_000 },
        );
      t.diagnostic(`and have booted ${((performance.now() - beganMs) / 1000).toFixed(1)} s after the command`);
      const shop1 = await TestGuest.find(lab(), 'shop1');
      const metaData = await shop1.shell('cat /run/meta-data');
      assert.ok(metaData.includes(`instance-id: "${shop1.uuid}"\nlocal-hostname: "shop1"\n`), metaData);
      assert.ok(metaData.includes(key), metaData);
      const base = 'http://169.254.169.254';
      assert.match(await shop1.shell(`wget -q -O - ${base}/nocloud/user-data`), new RegExp(`password: ${password}`));
      assert.match(await shop1.shell(`wget -q -O - ${base}/latest/user-data 2>&1`), /401/, 'EC2’s way takes a token');
      assert.match(await shop1.shell('nslookup shop2.shop.example'), /Address.*: 10\.26\.0\.\d+/);
      await run('profile', 'modify', 'shop', '--seed', 'disk');
    });

    it('keep what they are made from, and say nothing of passwords', async () => {
      await refused(/image tiny is in use: storage-template two/, 'provisioner', 'image', 'remove', 'tiny');
      await refused(/userdata shop is in use: profile shop/, 'provisioner', 'userdata', 'remove', 'shop');
      await refused(/vms\/web1 is in use: .*image tiny/, 'storage', 'volume', 'remove', 'vms/web1');
      const told = [await sh('pvc cluster audit --format json'), await sh('pvc task list --format json')].join('\n');
      assert.ok(told.includes('userdata.add') && told.includes('provisioner.create'));
      assert.equal(told.includes(password), false);
    });

    it('come from a disk file by one command, and all that it made goes by one', async (t: TestContext) => {
      const file = '/var/lib/guest.qcow2';
      const sum = (await sh(`sha512sum ${file}`)).split(' ')[0] ?? '';
      const upload = (name: string, ...more: string[]) =>
        pvc('provisioner', 'image', 'upload', name, file, '--pool', 'vms', ...more);
      const left = () => sh('rbd ls vms | grep -e fresh -e gone; ls -A /var/lib/pvc/incoming/images; true');
      const wrong = await upload(
        'fresh',
        '--file-sum',
        sum.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
      );
      assert.match(wrong.stderr.replace(/\s+/g, ' '), /its checksum is .*, and should be/);
      const other = await upload('fresh', '--sha256', '0'.repeat(64));
      assert.match(other.stderr.replace(/\s+/g, ' '), /its SHA-256 is .*, and should be 0000/);
      assert.equal(await left(), '');
      const beganMs = performance.now();
      (await upload('fresh', '--file-sum', sum, '--min-memory', '64', '--os', 'Small Linux')).ok();
      t.diagnostic(`an image of the guest's disk file: ${(performance.now() - beganMs).toFixed(0)} ms`);
      assert.equal(await left(), 'fresh');
      const { volume, snapshot, state, sha256, sizeBytes } = await lab().ask('hv1', 'image.info', { image: 'fresh' });
      assert.deepEqual([volume, state], ['vms/fresh', 'ready']);
      const content = await sh(`rbd export ${volume}@${snapshot} - --no-progress | sha256sum`);
      assert.equal(content, `${sha256}  -`);
      assert.match(await sh(`rbd info ${volume} --format json`), new RegExp(`"size":${sizeBytes},`));
      await refused(/vms\/fresh is in use: image fresh/, 'storage', 'volume', 'remove', 'vms/fresh');

      // Whoever sends goes away: while the file comes, and while it is copied.
      await sh('truncate -s 1G /var/lib/large.raw');
      const large = 'pvc provisioner image upload gone6 /var/lib/large.raw --pool vms --disk-format raw --yes --force';
      await sh(`timeout -s KILL 0.6 ${large} >/dev/null 2>&1; true`);
      await lab().waitFor('nothing to be left of half a file', async () => (await left()) === 'fresh');
      const sender = await sh(`${large} >/tmp/sender 2>&1 & echo $!`);
      await lab().waitFor('it to be copied', async () => (await left()).includes('gone6'), { everyMs: 100 });
      await sh(`kill -9 ${sender}`);
      await lab().waitFor('nothing to be left of half a copy', async () => (await left()) === 'fresh');
      await sh('rm /var/lib/large.raw');
      const names = (await lab().ask('hv1', 'image.list', {})).map(({ name }) => name);
      assert.deepEqual(names, ['fresh', 'tiny']);

      await run('template', 'storage', 'add', 'one', '--disk', 'pool=vms,image=fresh');
      await run('profile', 'add', 'one', '--system', 'small', '--storage', 'one');
      await run('create', 'gone5', 'one', '--no-start');
      await run('profile', 'remove', 'one');
      await run('template', 'storage', 'remove', 'one');
      const both = ['provisioner', 'image', 'remove', 'fresh', '--with-volume'];
      await refused(/vms\/fresh is what others were cloned from: vms\/gone5-disk1/, ...both);
      (await pvc('vm', 'undefine', 'gone5')).ok();
      for (const name of ['gone5-disk1', 'gone5-seed']) (await pvc('storage', 'volume', 'remove', `vms/${name}`)).ok();
      (await pvc(...both)).ok();
      assert.equal(await left(), '');
      const volumes = (await lab().ask('hv1', 'volume.list', {})).map(({ name }) => name);
      assert.equal(volumes.includes('fresh'), false);
    });

    it('leave nothing when they are cancelled or cannot be made', async () => {
      const before = await images();
      await sh('rbd create vms/gone1-seed --size 1M');
      const failed = await pvc('provisioner', 'create', 'gone1', 'shop');
      assert.notEqual(failed.code, 0);
      assert.match(failed.stderr.replace(/\s+/g, ' '), /has an image vms\/gone1-seed already/);
      assert.equal(await images(), `gone1-seed ${before}`);
      await sh('rbd rm --no-progress vms/gone1-seed');
      const id = await begin('gone2');
      await pvc('task', 'cancel', id);
      const end = await lab().waitFor('the task to end', () => ended(id));
      // The command may have come too late; then the guest is whole.
      const made = end === 'succeeded' ? ['gone2-disk1', 'gone2-disk2', 'gone2-seed'] : [];
      assert.equal(await images(), [...made, ...before.split(' ')].join(' '));
      assert.deepEqual(
        (await guests()).filter((name) => name.startsWith('gone')),
        made.length === 0 ? [] : ['gone2'],
      );
      if (made.length > 0) await stop('gone2');
    });

    it('are whole though the daemon dies while they are made', async (t: TestContext) => {
      const primary = (await lab().primary('hv1')) ?? assert.fail('no primary');
      const id = await begin('gone3');
      await lab().waitFor('it to be begun', async () => (await images()).includes('gone3'));
      await lab().daemon(primary, 'kill');
      await lab().daemon(primary, 'start');
      const end = await lab().waitFor('the task to end', () => ended(id).catch(() => false), { timeoutMs: 90_000 });
      assert.equal(end, 'succeeded');
      const { attempts } = await lab().ask('hv1', 'task.show', { task: id });
      t.diagnostic(`it was taken up ${attempts} times`);
      const { uuid, node, networks } = await lab().ask('hv1', 'vm.info', { vm: 'gone3' });
      const metaData = await seed('gone3', 'meta-data');
      assert.ok(metaData.includes(`instance-id: "${uuid}"\nlocal-hostname: "gone3"\n`), metaData);
      assert.ok(metaData.includes(key), metaData);
      assert.equal(`${await seed('gone3', 'user-data')}\n`, document);
      assert.ok((await seed('gone3', 'network-config')).includes(networks[0]?.mac ?? 'none'));
      assert.match(await seed('gone3', 'vendor-data'), /device: "\/dev\/vdb"\n\s+filesystem: "ext4"/);
      await lab().waitFor('it to boot', async () => /pvc-guest counter 1\r/.test(await consoleOf(node, uuid)), {
        timeoutMs: 120_000,
      });
      const gone3 = await TestGuest.find(lab(), 'gone3');
      const read = await gone3.shell('mount -t iso9660 -o ro /dev/vdc /mnt && cat /mnt/meta-data /mnt/user-data');
      assert.match(read, /local-hostname: "gone3"/);
      assert.match(read, new RegExp(`password: ${password}`));
      // It may not have an address yet.
      await lab().waitFor('the metadata service to know no user data of it', async () =>
        /404/.test(await gone3.shell('wget -q -O - http://169.254.169.254/nocloud/user-data 2>&1')),
      );
      assert.match(await images(), /gone3-disk1 gone3-disk2 gone3-seed/);
      for (const node of lab().nodes)
        assert.equal((await lab().exec(node, ['ls', '-A', '/run/pvc/seeds'], { accept: 'any' })).stdout, '', node);
      await run('profile', 'remove', 'shop');
      await run('template', 'storage', 'remove', 'two');
      await run('image', 'remove', 'tiny');
      assert.equal(await sh('rbd snap ls vms/web1'), '');
      assert.match(await sh('rbd info vms/gone3-disk1 --format json'), /"image":"web1"/, 'its clones read on');
      await Promise.all(['gone3', 'shop1', 'shop2', 'shop3'].map(stop));
      const planned = (await pvc('vm', 'remove', 'shop1', '--plan')).ok().stdout;
      assert.match(planned, /forget the guest shop1/);
      for (const end of ['disk1', 'disk2']) assert.match(planned, new RegExp(`remove the image vms/shop1-${end}`));
      assert.match(await images(), /shop1-disk1/, 'a plan removes nothing');
      const unknown = await pvc('vm', 'remove', 'shop1', '--keep', 'vdx');
      assert.deepEqual([unknown.code, /has no disk vdx/.test(unknown.stderr)], [3, true], unknown.stderr);
      (await pvc('vm', 'remove', 'shop2', '--keep', 'vdb')).ok();
      for (const name of (await guests()).filter((one) => /^(?:gone|shop)\d$/.test(one)))
        (await pvc('vm', 'remove', name)).ok();
      assert.equal(await images(), 'shop2-disk2', 'what was to be kept, and nothing else');
      (await pvc('storage', 'volume', 'remove', 'vms/shop2-disk2')).ok();
      await run('template', 'network', 'remove', 'shop');
      (await pvc('network', 'remove', 'shop')).ok();
    });
  });
}
