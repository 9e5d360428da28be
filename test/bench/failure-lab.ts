/**
 * The lab in which nodes are made to fail: storage, a network with DHCP, the nodes' BMCs, and a guest that boots from a
 * volume, has its address from the network and stamps blocks on a second volume.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { guestDirectory } from '../lab/boot-script.ts';
import { pathOn } from '../lab/exec.ts';
import { makeStampedVolume } from '../lab/stamped-volume.ts';
import { bmcOf, nodeOf, storageNetwork } from '../lab/topology.ts';
import type { ClusterLab } from './cluster-lab.ts';

export const nodes = ['hv1', 'hv2', 'hv3'];
/** The volume on which the guest stamps. */
export const stamped = 'vms/stamps';
const slowMs = 300_000;

/** What `pvc vm info` tells of the guest, as far as it matters here. */
export interface Guest {
  readonly name: string;
  readonly uuid: string;
  readonly node: string;
  readonly state: string;
  readonly sinceMs: number;
}

/** What `pvc node fences` tells of the last fence of a node. */
export interface Fence {
  readonly openedMs: number;
  readonly state: string;
  readonly evidence: readonly { readonly text: string; readonly atMs: number }[];
  readonly recovered: readonly { readonly to: string; readonly atMs: number }[];
}

const json = async <T>(lab: ClusterLab, node: string, ...args: string[]): Promise<T> =>
  JSON.parse(await lab.pvc(node, ...args, '--format', 'json')) as T;

export const guestOf = (lab: ClusterLab, node: string): Promise<Guest> => json(lab, node, 'vm', 'info', 'web');

export async function lastFence(lab: ClusterLab, asked: string, node: string): Promise<Fence | undefined> {
  return (await json<Fence[]>(lab, asked, 'node', 'fences', '--node', node))[0];
}

export const primaryOf = async (lab: ClusterLab, asked: string): Promise<string | null> =>
  (await json<{ primary: string | null }>(lab, asked, 'cluster', 'status')).primary;

/** What the guest has written on its console on a node; nothing where it never ran. */
export async function consoleOn(lab: ClusterLab, node: string, uuid: string): Promise<string> {
  return readFile(await pathOn(lab.record, node, `/var/log/pvc/console/${uuid}.log`), 'utf8').catch(() => '');
}

/** Waits until the storage is whole, every node runs and takes guests, and no fence is open. */
export async function allWell(lab: ClusterLab, asked: string): Promise<void> {
  await lab.until(
    'a cluster that is well',
    async () => {
      const rows = await json<{ daemon: string; domainState: string }[]>(lab, asked, 'node', 'list');
      if (!rows.every(({ daemon, domainState }) => daemon === 'run' && domainState === 'ready')) return false;
      const fences = await json<Fence[]>(lab, asked, 'node', 'fences');
      if (fences.some(({ state }) => state !== 'ended')) return false;
      return (await lab.exec(asked, ['ceph', '--connect-timeout', '5', 'health'])).trim() === 'HEALTH_OK';
    },
    slowMs,
  );
}

/** Waits until the guest has its address, in its last boot on this node. @returns the address */
export async function addressOn(lab: ClusterLab, node: string, uuid: string): Promise<string> {
  let found = '';
  await lab.until(
    'an address of the guest',
    async () => {
      const [, address] = /pvc-guest address eth0 ([\d.]+)/.exec(lastBoot(await consoleOn(lab, node, uuid))) ?? [];
      found = address ?? '';
      return found !== '';
    },
    slowMs,
  );
  return found;
}

/** What a console has of its last boot; nothing before the first. Pure. */
export const lastBoot = (text: string): string => /pvc-guest boot (?!.*pvc-guest boot )[\s\S]*/.exec(text)?.[0] ?? '';

/** From three blank nodes to the guest. */
export async function prepare(lab: ClusterLab): Promise<void> {
  const pvc = (...args: string[]) => lab.pvc('hv1', ...args, '--yes');
  await pvc('storage', 'init', '--network', storageNetwork);
  await Promise.all(nodes.map((node) => pvc('storage', 'osd', 'add', node, '/var/lib/pvc-osd0', '--size', '6G')));
  await pvc('storage', 'pool', 'add', 'vms');
  await describeBmcs(lab);
  await pvc('network', 'add', 'net', '--ipv4', '10.20.0.0/24', '--gateway4', 'first');
  await pvc('network', 'dhcp', 'enable', 'net', '--range', '10.20.0.100-10.20.0.199');
  await makeStampedVolume(lab.record, 'hv1', stamped);
  await pvc('storage', 'volume', 'upload', 'vms/web', `${guestDirectory}/disk.img`, '--disk-format', 'raw');
  await pvc(
    ...['vm', 'create', 'web', '--memory', '160', '--graphics', 'none', '--node', 'hv3', '--nic', 'network=net'],
    ...['--disk', 'volume=vms/web', '--disk', `volume=${stamped}`, '--start'],
  );
  await allWell(lab, 'hv1');
}

async function describeBmcs(lab: ClusterLab): Promise<void> {
  const file = '/root/bmc';
  for (const node of nodes) {
    const { address, user, password } = bmcOf(nodeOf(lab.record.topology, node));
    await writeFile(await pathOn(lab.record, 'hv1', file), `${password}\n`);
    const where = ['--address', address, '--user', user, '--password-file', file, '--cipher-suite', '3'];
    await lab.pvc('hv1', 'node', 'bmc', 'set', node, ...where);
  }
}
