/**
 * Makes a lab: namespaces, links and one configuration file per node. All that comes after is the
 * product's own doing, by the commands that an administrator uses.
 * @module
 */
import { existsSync } from 'node:fs';
import { becomesTrue } from './becomes-true.ts';
import { startBmc } from './bmc.ts';
import { startDaemon } from './daemon.ts';
import { takeDown } from './down.ts';
import { execOn } from './exec.ts';
import { guestImage } from './guest/image.ts';
import { createFabric } from './links.ts';
import { installNode, powerOn } from './node-namespace.ts';
import { startOutside } from './outside.ts';
import { dataDirectory, stateDirectory } from './paths.ts';
import { ownIdentity } from './process-identity.ts';
import { ensureExecutable } from './product.ts';
import { prepareSilentCuts } from './silent-cut.ts';
import { type LabRecord, writeCluster, writeLab } from './state.ts';
import { clusterNetwork, floatingAddress, LabError, planTopology, storageNetwork } from './topology.ts';

export interface UpOptions {
  readonly name: string;
  /** Default 1. */
  readonly nodes?: number;
  /** Run the product from its sources. */
  readonly dev?: boolean;
  /** Stop when the nodes have booted: no cluster, no daemon. */
  readonly bare?: boolean;
  /** Where the state of the cluster is. Default: `sqlite` for one node, `zookeeper` for several. */
  readonly store?: 'sqlite' | 'zookeeper';
  /** Storage from the beginning; its disks are left to whoever uses it. */
  readonly storage?: boolean;
  /** The lab is to end with this process: whoever finds it without the process may remove it. */
  readonly owned?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told each step that has been done. */
  readonly onStep?: (text: string) => void;
}

/** How long the daemon may take to its first answer, its start of libvirtd included. */
const daemonTimeoutMs = 60_000;

/**
 * Makes a lab and its cluster. What was begun is taken away again when a step fails or `signal` aborts.
 * @throws LabError, CommandFailed, whatever `signal` was aborted with
 */
export async function bringUp(options: UpOptions): Promise<LabRecord> {
  const { signal, onStep = () => {} } = options;
  if (process.getuid?.() !== 0) throw new LabError('only root can make network namespaces: run the lab as root');
  const topology = planTopology(options.name, options.nodes ?? 1);
  const lab = topology.name;
  if (existsSync(stateDirectory(lab)) || existsSync(dataDirectory(lab))) {
    throw new LabError(`there is a lab ${lab} already; remove it: npm run lab -- down --name ${lab}`);
  }

  const guest = await guestImage({ signal, onBuild: () => onStep('building the small guest, once') });
  if (options.dev !== true) await ensureExecutable({ signal, onBuild: () => onStep('building dist/pvc') });

  const record: LabRecord = {
    topology,
    dev: options.dev ?? false,
    guest: guest.directory,
    ...(options.owned === true ? { owner: await ownIdentity() } : {}),
  };
  try {
    await writeLab(record);
    await createFabric(topology, signal);
    await prepareSilentCuts(lab, signal);
    await startOutside(lab, signal);
    await Promise.all(
      topology.nodes.map(async (node) => {
        await installNode(record, node);
        await powerOn(record, node, signal);
        await startBmc(record, node, signal);
      }),
    );
    onStep(`${topology.nodes.map((node) => node.name).join(', ')} booted`);
    const store = options.store ?? (topology.nodes.length > 1 ? 'zookeeper' : 'sqlite');
    if (options.bare !== true) await makeCluster(record, { store, storage: options.storage ?? false }, signal, onStep);
  } catch (error) {
    await takeDown(lab);
    onStep('everything is removed');
    throw signal?.aborted === true ? signal.reason : error;
  }
  return record;
}

/** `pvc cluster init` on the first node and its daemon, then the others join; until every daemon runs. */
async function makeCluster(
  record: LabRecord,
  { store, storage }: { readonly store: 'sqlite' | 'zookeeper'; readonly storage: boolean },
  signal: AbortSignal | undefined,
  onStep: (text: string) => void,
): Promise<void> {
  const { topology } = record;
  const [first, ...others] = topology.nodes.map((node) => node.name);
  if (first === undefined) return;
  // Two coordinators are no better than one: with either gone there is no majority.
  const coordinators = topology.nodes.length >= 3 ? 3 : 1;
  const options =
    store === 'sqlite'
      ? []
      : ['--store', 'zookeeper', '--cluster-network', clusterNetwork, '--floating', floatingAddress];
  const init = await execOn(
    record,
    first,
    [
      'pvc',
      'cluster',
      'init',
      '--name',
      topology.name,
      ...options,
      ...(storage ? ['--storage-network', storageNetwork] : []),
      '--coordinators',
      String(coordinators),
      '--format',
      'json',
    ],
    { signal },
  );
  const { token, joinTokens = [] } = JSON.parse(init.stdout) as { token?: string; joinTokens?: string[] };
  if (token === undefined) throw new LabError(`pvc cluster init printed no token:\n${init.stdout}`);
  await writeCluster(topology.name, { token });
  onStep('cluster made');
  await startDaemon(record, first);
  await answers(record, first, signal);
  onStep(`${first} answers`);
  // One coordinator after the other: the ensemble takes one change at a time.
  for (const [index, joinToken] of joinTokens.entries()) {
    const name = others[index];
    if (name !== undefined) await join(record, name, joinToken, signal);
  }
  await Promise.all(
    others.slice(joinTokens.length).map(async (name) => {
      const made = await execOn(record, first, ['pvc', 'node', 'token', '--node', name, '--format', 'json'], {
        signal,
      });
      const { result } = JSON.parse(made.stdout) as { result: { token: string } };
      await join(record, name, result.token, signal);
    }),
  );
  await Promise.all(others.map((name) => answers(record, name, signal)));
  if (others.length > 0) onStep(`${others.join(', ')} joined`);
}

async function join(record: LabRecord, name: string, token: string, signal: AbortSignal | undefined): Promise<void> {
  await execOn(record, name, ['pvc', 'node', 'join', token, '--format', 'json'], { signal });
  await startDaemon(record, name);
}

/** Waits until the daemon of a node tells that it runs. @throws LabError with the end of its log */
async function answers(record: LabRecord, name: string, signal: AbortSignal | undefined): Promise<void> {
  let last = '';
  const done = await becomesTrue(
    async () => {
      const { code, stdout, stderr } = await execOn(record, name, ['pvc', 'node', 'list', '--format', 'json'], {
        signal,
        accept: 'any',
      });
      last = code === 0 ? stdout : stderr;
      if (code !== 0) return false;
      const rows = JSON.parse(stdout) as { name: string; daemon: string; coordinator: string }[];
      return (
        rows.some((row) => row.name === name && row.daemon === 'run') &&
        rows.filter((row) => row.coordinator === 'primary').length === 1
      );
    },
    daemonTimeoutMs,
    signal,
  );
  if (done) return;
  const { stdout: log } = await execOn(record, name, ['tail', '-n', '40', '/var/log/lab/pvcd.log'], { accept: 'any' });
  throw new LabError(
    `the daemon of ${name} does not run after ${daemonTimeoutMs / 1000} s:\n${last}\nits last lines:\n${log}`,
  );
}
