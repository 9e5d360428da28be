/**
 * Makes a lab: namespaces, links and one configuration file per node. All that comes after is the
 * product's own doing, by the commands that an administrator uses.
 * @module
 */
import { existsSync } from 'node:fs';
import { becomesTrue } from './becomes-true.ts';
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
import { type LabRecord, writeCluster, writeLab } from './state.ts';
import { LabError, planTopology } from './topology.ts';

export interface UpOptions {
  readonly name: string;
  /** Default 1. */
  readonly nodes?: number;
  /** Run the product from its sources. */
  readonly dev?: boolean;
  /** Stop when the nodes have booted: no cluster, no daemon. */
  readonly bare?: boolean;
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
    await startOutside(lab, signal);
    for (const node of topology.nodes) {
      await installNode(record, node);
      await powerOn(record, node, signal);
    }
    onStep(`${topology.nodes.map((node) => node.name).join(', ')} booted`);
    if (options.bare !== true) await initCluster(record, signal, onStep);
  } catch (error) {
    await takeDown(lab);
    onStep('everything is removed');
    throw signal?.aborted === true ? signal.reason : error;
  }
  return record;
}

/** `pvc cluster init` on the first node, then its daemon, then the first answer. */
async function initCluster(
  record: LabRecord,
  signal: AbortSignal | undefined,
  onStep: (text: string) => void,
): Promise<void> {
  const first = record.topology.nodes[0]?.name ?? '';
  const init = await execOn(
    record,
    first,
    ['pvc', 'cluster', 'init', '--name', record.topology.name, '--format', 'json'],
    { signal },
  );
  const { token } = JSON.parse(init.stdout) as { token?: string };
  if (token === undefined) throw new LabError(`pvc cluster init printed no token:\n${init.stdout}`);
  await writeCluster(record.topology.name, { token });
  onStep('cluster made');
  await startDaemon(record, first);
  let last = '';
  const answers = await becomesTrue(
    async () => {
      const { code, stderr } = await execOn(record, first, ['pvc', 'cluster', 'status', '--format', 'json'], {
        signal,
        accept: 'any',
      });
      last = stderr;
      return code === 0;
    },
    daemonTimeoutMs,
    signal,
  );
  if (!answers) {
    const { stdout: log } = await execOn(record, first, ['tail', '-n', '40', '/var/log/lab/pvcd.log'], {
      accept: 'any',
    });
    throw new LabError(
      `pvc cluster status does not answer after ${daemonTimeoutMs / 1000} s:\n${last}\nlast lines of the daemon:\n${log}`,
    );
  }
  onStep('daemon answers');
}
