import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PrivateLibvirtd } from '../../../test/libvirt/private-libvirtd.ts';
import { realHost } from '../../../test/libvirt/real-host.ts';
import { WireTap } from '../../../test/libvirt/wire-tap.ts';
import { type LibvirtConnection, openLibvirt } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { type ArgsOf, type ProcedureName, procedures, type ResultOf } from './procedures.ts';

const uuid = '7f1f1a1e-0000-4000-8000-000000000001';
const secretUuid = '7f1f1a1e-0000-4000-8000-0000000000aa';
const domain = { name: 'web1', uuid, id: -1 };
const versionText = (version: number): string =>
  `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1_000) % 1_000}.${version % 1_000}`;

describe('the procedure table on a real libvirtd', { timeout: 60_000 }, () => {
  let rig: PrivateLibvirtd;
  let tap: WireTap;
  let connection: LibvirtConnection;

  before(async () => {
    rig = await PrivateLibvirtd.start();
    tap = await WireTap.listen(join(rig.dir, 'tap'), rig.socketPath);
    connection = await openLibvirt(realHost(), { target: { path: rig.socketPath }, uri: 'qemu:///system' });
    await writeFile(join(rig.dir, 'data.img'), Buffer.alloc(1_048_576));
    await writeFile(join(rig.dir, 'data2.img'), Buffer.alloc(1_048_576));
    const channel =
      "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel><channel type='unix'><target type='virtio' name='pvc.test'/></channel>";
    const data = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${rig.dir}/data.img'/><target dev='vdb' bus='virtio'/></disk>`;
    const nic =
      "<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='tap1'/><model type='virtio'/></interface>";
    const cdrom = "<disk type='file' device='cdrom'><target dev='sdc' bus='ide'/><readonly/></disk>".replace(
      'sdc',
      'hdc',
    );
    await call('domainCreateXml', { xml: rig.guestXml('web1', uuid, channel + data + nic + cdrom), flags: 0 });
  });

  after(async () => {
    await connection?.close();
    await tap?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const call = async <N extends ProcedureName>(name: N, args: ArgsOf<N>): Promise<ResultOf<N>> => {
    try {
      const result = await connection.call(name, args);
      tap.note(name);
      return result;
    } catch (error) {
      if (error instanceof LibvirtError) tap.note(name, error.libvirtName);
      throw error;
    }
  };
  /** The name of the error that libvirt refuses a call with. */
  const refusal = async <N extends ProcedureName>(name: N, args: ArgsOf<N>): Promise<string> => {
    const error = await call(name, args).then(
      () => assert.fail(`${name} was done`),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof LibvirtError, String(error));
    return error.libvirtName;
  };
  /** Runs commands of virsh through the tap and returns what it printed. */
  const virsh = (...commands: readonly string[]): Promise<string> => virshOn('qemu+unix:///system', commands);
  const virshOn = (uri: string, commands: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const argv = ['-c', `${uri}?socket=${tap.path}`, commands.join('; ')];
      const env = { PATH: '/usr/bin:/bin', HOME: rig.dir, LANG: 'C.UTF-8' };
      execFile('virsh', argv, { env, maxBuffer: 1e8 }, (_, stdout, stderr) => resolve(stdout + stderr));
    });

  it('is what virsh sends and gets, to the byte', async () => {
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(rig.dir, name), text);
      return join(rig.dir, name);
    };
    const empty = await file(
      'cd.xml',
      "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
    );
    const guest = await file('guest.xml', rig.guestXml('web2', '7f1f1a1e-0000-4000-8000-000000000002'));
    const secret = await file(
      'secret.xml',
      `<secret ephemeral='no' private='no'><uuid>${secretUuid}</uuid><usage type='ceph'><name>client.pvc</name></usage></secret>`,
    );
    await virsh(
      'hostname',
      'uri',
      'version',
      'nodeinfo',
      'nodecpustats',
      'nodememstats',
      'freecell',
      'nodecpumap',
      'maxvcpus',
      'capabilities',
      'domcapabilities --virttype qemu',
      'cpu-models x86_64',
      'list --all',
      'domstats --nowait',
      'domstate web1 --reason',
      'dominfo web1',
      'dumpxml web1 --security-info',
      'domcontrol web1',
      'vcpuinfo web1',
      'vcpucount web1',
      'dommemstat web1',
      'dommemstat web1 --period 5 --live',
      `domblkinfo web1 vdb`,
      'domblkstat web1 vdb',
      'domifstat web1 tap1',
      'domblkerror web1',
      'blockresize web1 vdb 3MiB',
      'blkdeviotune web1 vdb --total-bytes-sec 1000000 --live',
      'blkdeviotune web1 vdb',
      'domiftune web1 tap1 --inbound 1000',
      'domifaddr web1 --source arp',
      'domifaddr web1 --source agent',
    );
    await virsh(
      'domhostname web1 --source agent',
      'domtime web1',
      'domfsfreeze web1 --mountpoint /srv',
      'domfsthaw web1',
      'domfstrim web1 --minimum 4096 --mountpoint /srv',
      `qemu-agent-command web1 '{"execute":"guest-ping"}' --timeout 5`,
      `metadata web1 --uri http://pvc.test/ --key pvc --set '<vm/>' --live`,
      'metadata web1 --uri http://pvc.test/ --live',
      'inject-nmi web1',
      'send-key web1 KEY_A KEY_B --holdtime 10',
      'setmem web1 16M --live',
      'setvcpus web1 2 --live',
      `update-device web1 ${empty} --live`,
      'suspend web1',
      'resume web1',
      'reset web1',
      'reboot web1 --mode acpi',
      'migrate-setmaxdowntime web1 350',
      'migrate-getmaxdowntime web1',
      'migrate-setspeed web1 77',
      'migrate-getspeed web1',
      'migrate-postcopy web1',
      'domjobinfo web1',
      'domjobabort web1',
      'migrate web1 qemu+tcp://127.0.0.1/system --live --p2p --bandwidth 5 --migrateuri tcp://127.0.0.1',
      'event --domain web1 --event lifecycle --timeout 1',
      `secret-define ${secret}`,
      `secret-set-value ${secretUuid} c2VjcmV0`,
      `secret-get-value ${secretUuid}`,
      'secret-list',
      `secret-undefine ${secretUuid}`,
      'shutdown web1 --mode acpi',
      // USB devices leave at once, without the guest's help.
      `attach-disk web1 ${rig.dir}/data2.img sda --live --targetbus usb`,
      'detach-disk web1 sda --live',
      `create ${guest} --paused`,
      'domid web2',
      'destroy web2 --graceful',
      'undefine web1 --nvram',
    );
    // The test driver plays a guest with an agent and address leases, which the boot sector does not have.
    await virshOn('test+unix:///default', [
      'domtime test',
      'domfsfreeze test',
      'domfsthaw test',
      'domfstrim test',
      'domifaddr test',
      'domhostname test',
      'domiftune test testnet0 --inbound 7',
      'undefine test --managed-save',
    ]);
    assert.deepEqual(tap.faults, []);
    assert.ok(tap.seen.size > 60, `virsh used ${tap.seen.size} procedures of the table`);
  });

  it('reads what virsh reads', async () => {
    const { memoryKiB, cpus } = await call('nodeGetInfo', {});
    const info = await virsh('nodeinfo');
    assert.match(info, new RegExp(`CPU\\(s\\): +${cpus}\\n`));
    assert.match(info, new RegExp(`Memory size: +${memoryKiB} KiB`));
    assert.equal((await call('connectGetHostname', {})).value, 'hv1');
    assert.equal((await call('connectGetType', {})).value, 'QEMU');
    assert.equal((await call('connectGetUri', {})).value, 'qemu:///system');
    assert.ok((await call('connectGetMaxVcpus', { type: 'qemu' })).maxVcpus >= 16);
    assert.ok(
      (await virsh('version')).includes(`libvirt ${versionText((await call('connectGetLibVersion', {})).version)}`),
    );
    assert.ok((await virsh(`dumpxml ${uuid}`)).startsWith((await call('domainGetXmlDesc', { domain, flags: 0 })).xml));
    const { count } = await call('nodeGetMemoryStats', { count: 0, cell: -1, flags: 0 });
    const { params } = await call('nodeGetMemoryStats', { count, cell: -1, flags: 0 });
    assert.deepEqual(params.map(({ field }) => field).sort(), ['buffers', 'cached', 'free', 'total']);
    const cpu = await call('nodeGetCpuStats', { cpu: -1, count: 9, flags: 0 }).catch(() => undefined);
    assert.equal(cpu, undefined, 'a wrong count is refused');
  });

  it('finds a domain by each of its names', async () => {
    const { domain: found } = await call('domainLookupByUuid', { uuid });
    assert.deepEqual([found.name, found.uuid], ['web1', uuid]);
    assert.deepEqual((await call('domainLookupByName', { name: 'web1' })).domain, found);
    assert.deepEqual((await call('domainLookupById', { id: found.id })).domain, found);
    assert.deepEqual((await call('domainIsActive', { domain })).active, true);
    assert.deepEqual((await call('domainIsPersistent', { domain })).persistent, false);
    assert.equal((await call('domainGetMaxVcpus', { domain })).count, 2);
    assert.equal((await call('domainGetMaxMemory', { domain })).memoryKiB, 32_768);
    const info = await call('domainGetInfo', { domain });
    assert.deepEqual([info.maxMemoryKiB, info.vcpus], [32_768, 2]);
    assert.deepEqual(await call('domainGetState', { domain, flags: 0 }), { state: info.state, reason: 5 });
  });

  it('has what virsh did done', async () => {
    assert.equal((await call('domainGetBlockInfo', { domain, path: 'vdb', flags: 0 })).capacityBytes, 3 * 1_048_576);
    const tune = await call('domainGetBlockIoTune', { domain, disk: 'vdb', count: 0, flags: 0 });
    const { params } = await call('domainGetBlockIoTune', { domain, disk: 'vdb', count: tune.count, flags: 0 });
    assert.deepEqual(params.find(({ field }) => field === 'total_bytes_sec')?.value, {
      type: 'ullong',
      value: 1_000_000n,
    });
    assert.deepEqual(await call('domainMigrateGetMaxDowntime', { domain, flags: 0 }), { downtimeMs: 350 });
    assert.deepEqual(await call('domainMigrateGetMaxSpeed', { domain, flags: 0 }), { bandwidthMiBs: 77n });
    assert.deepEqual(await call('domainGetVcpusFlags', { domain, flags: 1 }), { count: 2 });
    assert.match(
      (await call('domainGetMetadata', { domain, type: 2, uri: 'http://pvc.test/', flags: 1 })).value,
      /<vm\/>/,
    );
  });

  it('changes what it is to change', async () => {
    await call('domainMigrateSetMaxDowntime', { domain, downtimeMs: 123, flags: 0 });
    await call('domainMigrateSetMaxSpeed', { domain, bandwidthMiBs: 9, flags: 0 });
    await call('domainBlockResize', { domain, disk: 'vdb', size: 4 * 1_048_576, flags: 1 });
    await call('domainSetBlockIoTune', {
      domain,
      disk: 'vdb',
      params: [{ field: 'read_iops_sec', value: { type: 'ullong', value: 100n } }],
      flags: 1,
    });
    await call('domainSetMetadata', { domain, type: 1, metadata: 'a title', key: undefined, uri: undefined, flags: 1 });
    await call('domainSetMemoryStatsPeriod', { domain, periodS: 7, flags: 1 });
    const { xml } = await call('domainGetXmlDesc', { domain, flags: 0 });
    for (const part of [/<title>a title<\/title>/, /<read_iops_sec>100<\/read_iops_sec>/, /<stats period='7'\/>/])
      assert.match(xml, part);
    assert.deepEqual(await call('domainMigrateGetMaxDowntime', { domain, flags: 0 }), { downtimeMs: 123 });
    assert.equal((await call('domainGetBlockInfo', { domain, path: 'vdb', flags: 0 })).capacityBytes, 4 * 1_048_576);
    const before_ = await call('domainBlockStats', { domain, path: 'vda' });
    assert.ok(before_.readRequests > 0n && before_.readBytes >= 512n, 'the boot sector was read');
    const { records } = await call('connectGetAllDomainStats', { domains: [domain], stats: 0, flags: 0 });
    assert.deepEqual(
      records.map((record) => record.domain.uuid),
      [uuid],
    );
    const job = await call('domainGetJobInfo', { domain });
    assert.equal(job.type, 0);
  });

  it('keeps secrets', async () => {
    const xml = `<secret ephemeral='yes' private='no'><uuid>${secretUuid}</uuid><usage type='ceph'><name>client.pvc secret</name></usage></secret>`;
    const { secret } = await call('secretDefineXml', { xml, flags: 0 });
    assert.deepEqual(secret, { uuid: secretUuid, usageType: 2, usageId: 'client.pvc secret' });
    await call('secretSetValue', { secret, value: Buffer.from('top\0secret'), flags: 0 });
    assert.equal(Buffer.from((await call('secretGetValue', { secret, flags: 0 })).value).toString(), 'top\0secret');
    assert.deepEqual((await call('secretLookupByUuid', { uuid: secretUuid })).secret, secret);
    assert.deepEqual(
      (await call('secretLookupByUsage', { usageType: 2, usageId: 'client.pvc secret' })).secret,
      secret,
    );
    assert.deepEqual((await call('connectListAllSecrets', { needResults: true, flags: 0 })).secrets, [secret]);
    await call('secretUndefine', { secret });
    assert.equal(await refusal('secretLookupByUuid', { uuid: secretUuid }), 'NO_SECRET');
  });

  it('opens streams', async () => {
    for (const open of [
      () => connection.openStream('domainOpenConsole', { domain, device: undefined, flags: 0 }),
      () => connection.openStream('domainOpenChannel', { domain, name: 'pvc.test', flags: 0 }),
    ]) {
      const stream = await open();
      await new Promise((resolve) => stream.once('close', resolve).destroy());
    }
    tap.note('domainOpenConsole');
    tap.note('domainOpenChannel');
  });

  it('ends a domain', async () => {
    assert.equal(await refusal('domainUndefineFlags', { domain, flags: 0 }), 'OPERATION_INVALID');
    await call('domainDestroyFlags', { domain, flags: 0 });
    assert.equal(await refusal('domainDestroyFlags', { domain, flags: 0 }), 'NO_DOMAIN');
  });

  it('was tried to the last row', () => {
    // connectClose ends a connection, which all the above did through virsh.
    const unseen = (Object.keys(procedures) as ProcedureName[]).filter((name) => !tap.seen.has(name));
    assert.deepEqual(unseen, []);
    const neverDone = [...tap.seen]
      .filter(([, sighting]) => sighting.answered === 0)
      .map(([name, sighting]) => `${name}: ${[...sighting.refused].join(' ')}`);
    // Each of these reached its place and was refused there: nothing migrates here (driver.real.test.ts does), and no agent runs.
    assert.deepEqual(neverDone.sort(), [
      'domainAbortJob: OPERATION_INVALID',
      'domainAgentCommand: AGENT_UNRESPONSIVE',
      'domainMigratePerform3Params: MIGRATE_UNSAFE',
      'domainMigrateStartPostCopy: OPERATION_INVALID',
    ]);
  });
});
