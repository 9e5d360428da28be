/**
 * Whether the BMCs would do when they are needed: the primary reads each when it takes the role, when it is described
 * anew, and every hour. What is wrong is a fault, which goes by itself.
 * @module
 */
import { defineErrors, errorText, PvcError } from '../../error/error.ts';
import { tellFaults } from '../../fault/cluster-faults.ts';
import { type FaultReport, faultId } from '../../fault/fault-book.ts';
import type { Host } from '../../host/host.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import type { NodePower } from '../../plugin/power.ts';
import { WorkQueue } from '../../reconcile/work-queue.ts';
import type { Documents, Write } from '../../store/documents.ts';
import { mayPass } from './bmc-power.ts';

export interface BmcCheckParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'random'>;
  readonly documents: Documents;
  readonly power: NodePower;
  readonly write: (writes: readonly Write[], how: { readonly asPrimary: true }) => Promise<void>;
}

const hourMs = 3_600_000;
/** What may pass by itself is looked at again soon. */
const soonMs = 60_000;
/** How many BMCs are asked at once. */
const atOnce = 4;
/** The session of a node that has just gone off ends within this time, and one that has just come has one. */
const doubtMs = 20_000;
const faultPrefix = 'bmc.';

const checkError = defineErrors({
  BMC_CONTRADICTS: {
    message: 'The BMC of {node} reads off, while the daemon of {node} runs.',
    hint: 'It is the BMC of another machine, or it reads wrong: fencing would believe it. Compare `pvc node bmc show {node}` with the machine.',
    http: 500,
    exit: 'failed',
  },
});

/** What is known of one node's BMC. */
interface Known {
  /** Of the description that it was read by. */
  readonly version: number;
  /** Absent until it has been read; `null` when all is well. */
  readonly fault?: { readonly id: string; readonly report: FaultReport } | null;
}

export class BmcChecks {
  readonly #parts: BmcCheckParts;
  readonly #known = new Map<string, Known>();
  #look: () => void = () => undefined;

  constructor(parts: BmcCheckParts) {
    this.#parts = parts;
  }

  /** A node may have been described anew, or be gone. */
  changed(): void {
    this.#look();
  }

  /** Reads them until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { host } = this.#parts;
    const log = host.log.child('bmc-checks');
    this.#known.clear();
    const queue = new WorkQueue({
      clock: host.clock,
      concurrency: atOnce,
      firstBackoffMs: 1_000,
      maxBackoffMs: soonMs,
      work: (key) => (key === '' ? this.#list(queue) : this.#check(key, queue, signal)),
      failed: (key, error) => {
        if (!signal.aborted) log.warn('the BMCs could not be looked at', { node: key, reason: errorText(error) });
      },
    });
    this.#look = () => queue.add('');
    queue.add('');
    await new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    this.#look = () => undefined;
    await queue.stop();
  }

  /** Finds those whose description is new, and tells what is known. The key '' stands for it: no node is called so. */
  async #list(queue: WorkQueue): Promise<undefined> {
    const described = (await this.#parts.documents.list(nodeKind)).filter(({ spec }) => spec.bmc !== undefined);
    const names = new Set(described.map(({ id }) => id));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    for (const { id, specVersion } of described) {
      if (this.#known.get(id)?.version === specVersion) continue;
      this.#known.set(id, { version: specVersion });
      queue.add(id);
    }
    await this.#tell();
    return undefined;
  }

  async #check(node: string, queue: WorkQueue, signal: AbortSignal): Promise<number | undefined> {
    const { host } = this.#parts;
    const { version } = this.#known.get(node) ?? {};
    if (version === undefined) return undefined;
    const trouble = await this.#trouble(node, signal);
    if (signal.aborted) return undefined;
    // Described anew meanwhile: that one is read next, and this says nothing of it.
    if (this.#known.get(node)?.version !== version) return undefined;
    const fault =
      trouble === undefined
        ? null
        : { id: faultId(`${faultPrefix}${trouble.code}`, node), report: reportOf(node, trouble) };
    this.#known.set(node, { version, fault });
    // Told by the one that lists: a store that is away must not have the BMC asked again.
    queue.add('');
    if (trouble !== undefined && mayPass(trouble)) return soonMs;
    // Spread, so that they are not all asked in the same minute for ever.
    const [spread = 0] = host.random.bytes(1);
    return hourMs - spread * 1_000;
  }

  /** What is wrong with the BMC of a node; undefined: nothing. */
  async #trouble(node: string, signal: AbortSignal): Promise<PvcError | undefined> {
    const { power, host } = this.#parts;
    try {
      for (const last of [false, true]) {
        if ((await power.status(node, signal)) === 'on' || !(await this.#alive(node))) return undefined;
        if (!last) await host.clock.sleep(doubtMs, signal);
      }
      return checkError('BMC_CONTRADICTS', { node });
    } catch (error) {
      if (error instanceof PvcError && error.code.startsWith('BMC_')) return error;
      throw error;
    }
  }

  async #alive(node: string): Promise<boolean> {
    return (await this.#parts.documents.store.read(aliveKey(node))) !== undefined;
  }

  /** Opens and clears faults; what an earlier primary has found stays until this one has read all of them itself. */
  async #tell(): Promise<void> {
    const all = [...this.#known.values()];
    const wanted = new Map(all.flatMap(({ fault }) => (fault ? [[fault.id, fault.report] as const] : [])));
    const unread = all.some(({ fault }) => fault === undefined);
    await tellFaults(this.#parts, faultPrefix, wanted, unread);
  }
}

const reportOf = (node: string, { message, hint, code }: PvcError): FaultReport => ({
  severity: code === 'BMC_CONTRADICTS' ? 'critical' : 'warning',
  message,
  hint,
  object: `node ${node}`,
});
