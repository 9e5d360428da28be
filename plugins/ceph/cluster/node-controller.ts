/**
 * The storage part of one node: its files below /etc/ceph, and on coordinators a monitor and a manager. What is there is
 * adopted; what is missing is made.
 * @module
 */
import { defineController, node as nodeKind, type Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import type { CephConfig } from '../config.ts';
import {
  cephDirectory,
  cephFile,
  giveToCeph,
  madeMark,
  mgrData,
  monData,
  runDirectory,
  scratch,
} from './ceph-files.ts';
import { type CephSpec, ceph as cephKind, cephSecret, type SecretId } from './ceph-kind.ts';
import { addressVector, adminCaps, confMark, confPath, guestCaps, keyring, monCaps } from './conf.ts';
import { type Made, type NodeStep, type NodeView, planNode } from './node-plan.ts';
import { addressToldBy, ownAddressIn } from './own-address.ts';
import { cephService } from './services.ts';

/** Keys that commands and QEMU find by themselves. */
const keyringPath = (entity: string): string => `/etc/ceph/ceph.${entity}.keyring`;

/**
 * Ceph's settings that PVC decides: whose, which, what. Clients must prove who they are again when they come back
 * (CVE-2021-20288); disks' health is not kept in a pool of its own, which a manager would make as soon as it can.
 * The names of managers' settings are known to Ceph only once a manager has run: hence `--force`.
 */
const settings = [
  ['mon', 'auth_allow_insecure_global_id_reclaim', 'false'],
  ['mgr', 'mgr/devicehealth/enable_monitoring', 'false', '--force'],
] as const;

export function cephNodeController(runtime: Runtime, ceph: CephCommand, config: CephConfig) {
  const { host, documents, node } = runtime;
  const serving = new Set<'mon' | 'mgr'>();

  const secret = async (id: SecretId): Promise<string> => (await documents.need(cephSecret, id)).spec.key;

  async function made(directory: string): Promise<Made> {
    if ((await host.files.stat(madeMark(directory))) !== undefined) return 'whole';
    return ((await host.files.list(directory)) ?? []).length === 0 ? 'none' : 'half';
  }

  /** @throws PvcError CEPH_REFUSED: Ceph's own file of somebody else is never overwritten */
  async function writeConf(text: string): Promise<void> {
    const before = await host.files.readText(confPath);
    if (before !== undefined && !before.startsWith(confMark))
      throw cephError('CEPH_REFUSED', {
        what: 'its configuration',
        reason: `${confPath} is not PVC's: this machine belongs to another Ceph cluster. Move the file away if it does not`,
      });
    await host.files.makeDirectory('/etc/ceph', 0o755);
    for (const entity of ['client.admin', 'client.pvc'] as const)
      await host.files.writeAtomic(keyringPath(entity), keyring([{ entity, key: await secret(entity) }]), 0o600);
    await host.files.writeAtomic(confPath, text, 0o644);
  }

  /** @param mapFile how the map of monitors gets into the file */
  async function makeMonitor(mapFile: (path: string) => Promise<void>): Promise<void> {
    const directory = monData(node);
    // Only one that was never whole: a monitor's data is the cluster's memory.
    if ((await made(directory)) === 'half') await host.files.remove(directory);
    await cephDirectory(ceph, scratch);
    await cephDirectory(ceph, directory);
    const [map, keys] = [`${scratch}/pvc-monmap`, `${scratch}/pvc-mon.keyring`];
    try {
      await cephFile(
        host,
        ceph,
        keys,
        keyring([
          { entity: 'mon.', key: await secret('mon'), caps: monCaps },
          { entity: 'client.admin', key: await secret('client.admin'), caps: adminCaps },
          { entity: 'client.pvc', key: await secret('client.pvc'), caps: guestCaps },
        ]),
      );
      await mapFile(map);
      await ceph.run(
        'the making of a monitor',
        [
          ...['ceph-mon', '--cluster', 'ceph', '--mkfs', '--id', node, '--monmap', map, '--keyring', keys],
          ...['--setuser', 'ceph', '--setgroup', 'ceph'],
        ] as [string, ...string[]],
        { timeoutMs: 50_000 },
      );
      await cephFile(host, ceph, madeMark(directory), '');
    } finally {
      await host.files.remove(keys);
      await host.files.remove(map);
    }
  }

  async function firstMonitor(spec: CephSpec): Promise<void> {
    const address = await ownAddressIn(runtime, spec.network);
    await makeMonitor(async (map) => {
      await ceph.run('the map of monitors', [
        'monmaptool',
        ...['--create', '--clobber', '--fsid', spec.fsid, '--addv', node, addressVector(address ?? ''), map],
      ]);
      await giveToCeph(ceph, map);
    });
  }

  async function joinMonitors(): Promise<void> {
    await makeMonitor(async (map) => {
      await ceph.ceph('the map of monitors', ['mon', 'getmap', '-o', map]);
      await giveToCeph(ceph, map);
    });
  }

  async function makeManager(): Promise<void> {
    const caps = ['mon', 'allow profile mgr', 'osd', 'allow *', 'mds', 'allow *'];
    const keys = await ceph.ceph(`a key for the manager of ${node}`, ['auth', 'get-or-create', `mgr.${node}`, ...caps]);
    await cephDirectory(ceph, mgrData(node));
    await cephFile(host, ceph, `${mgrData(node)}/keyring`, keys);
  }

  async function serve(type: 'mon' | 'mgr'): Promise<void> {
    await runDirectory(ceph);
    runtime.supervise(cephService(host, type, node));
    serving.add(type);
  }

  const acts: Readonly<Record<NodeStep['do'], (spec: CephSpec, step: NodeStep) => Promise<void>>> = {
    conf: (_spec, step) => writeConf(step.conf ?? ''),
    'mon-first': firstMonitor,
    'mon-join': joinMonitors,
    'serve-mon': () => serve('mon'),
    settle: async () => {
      for (const setting of settings) await ceph.ceph('the settings', ['config', 'set', ...setting]);
      // Clones that need no protected snapshot (rbd(8), rbd_default_clone_format 2): all our clients are newer.
      await ceph.ceph('the least age of clients', ['osd', 'set-require-min-compat-client', 'mimic']);
    },
    'mgr-key': makeManager,
    'serve-mgr': () => serve('mgr'),
  };

  return defineController({
    name: 'storage-node',
    summary: 'keeps Ceph’s files and, on coordinators, a monitor and a manager on the node',
    kind: cephKind,
    scope: 'node',
    async observe(_id, doc): Promise<NodeView> {
      const own = await documents.get(nodeKind, node);
      return {
        node,
        coordinator: own?.spec.role === 'coordinator',
        address: doc === undefined ? undefined : await ownAddressIn(runtime, doc.spec.network),
        firstAddress: doc === undefined ? undefined : addressToldBy(await documents.get(nodeKind, doc.spec.first)),
        config,
        conf: await host.files.readText(confPath),
        keyrings: (await host.files.stat(keyringPath('client.pvc'))) !== undefined,
        mon: await made(monData(node)),
        mgrKey: (await host.files.stat(`${mgrData(node)}/keyring`)) !== undefined,
        serving,
      };
    },
    plan: (doc, view) => (doc === undefined ? { steps: [] } : planNode(doc.spec, doc.status?.monitors ?? [], view)),
    async apply(step: NodeStep, id) {
      const { spec } = await documents.need(cephKind, id);
      await acts[step.do](spec, step);
    },
  });
}
