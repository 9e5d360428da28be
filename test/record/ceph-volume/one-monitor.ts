/**
 * The smallest cluster that `ceph-volume` can prepare OSDs for: one monitor, run by systemd as on a real node.
 * @module
 */
import type { Recorder } from './recorder.ts';

const fsid = 'b7f1d2a4-6c3e-4f0b-9d58-0a1b2c3d4e5f';
const address = '10.55.0.1';

/** No manager runs: nothing that is recorded needs one. Small caches, for the machine has 3 GiB. */
const configuration = `[global]
fsid = ${fsid}
mon initial members = hv1
mon host = ${address}
public network = 10.55.0.0/24
osd pool default size = 1
osd crush chooseleaf type = 0
[osd]
osd memory target = 939524096
`;

/** @throws Error naming the step that failed */
export async function startMonitor(machine: Recorder): Promise<void> {
  const keyring = '/etc/ceph/ceph.client.admin.keyring';
  const bootstrap = '/var/lib/ceph/bootstrap-osd/ceph.keyring';
  const first = '/tmp/mon.keyring';
  await machine.run(['ip', 'link', 'add', 'storage', 'type', 'dummy']);
  await machine.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'storage']);
  await machine.run(['ip', 'link', 'set', 'storage', 'up']);
  await machine.run(['tee', '/etc/ceph/ceph.conf'], configuration);
  await machine.run(['ceph-authtool', '--create-keyring', first, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  const all = ['mon', 'osd', 'mds', 'mgr'].flatMap((daemon) => ['--cap', daemon, 'allow *']);
  await machine.run(['ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'client.admin', ...all]);
  const profile = ['--cap', 'mon', 'profile bootstrap-osd'];
  await machine.run([
    'ceph-authtool',
    '--create-keyring',
    bootstrap,
    '--gen-key',
    '-n',
    'client.bootstrap-osd',
    ...profile,
  ]);
  for (const other of [keyring, bootstrap]) await machine.run(['ceph-authtool', first, '--import-keyring', other]);
  await machine.run(['chown', 'ceph:ceph', first, bootstrap]);
  await machine.run(['monmaptool', '--create', '--add', 'hv1', address, '--fsid', fsid, '/tmp/monmap']);
  const mkfs = ['ceph-mon', '--mkfs', '-i', 'hv1', '--monmap', '/tmp/monmap', '--keyring', first];
  await machine.run(['runuser', '-u', 'ceph', '--', ...mkfs]);
  await machine.run(['systemctl', 'start', 'ceph-mon@hv1']);
  await machine.run(['ceph', '--connect-timeout', '120', 'status']);
}
