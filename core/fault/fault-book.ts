/**
 * What is wrong on this node, by id. Callers raise and clear as often as they like; the store is
 * written only when something changes, and again later when it could not be reached.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { WorkQueue } from '../reconcile/work-queue.ts';
import { type Documents } from '../store/documents.ts';
import { type FaultStatus, fault, type Severity } from './fault-kind.ts';

export interface FaultReport {
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  readonly object: string;
  /** Per cent of health that it costs; by severity when not given: 0, 10, 50. */
  readonly delta?: number;
}

const usualDelta: Record<Severity, number> = { info: 0, warning: 10, critical: 50 };

/** Any text as a fault id: `vm.run` + `web 1` → `vm.run:web-1`. */
export const faultId = (type: string, about: string): string =>
  `${type}:${about.replace(/[^A-Za-z0-9._:@+-]/g, '-')}`.slice(0, 128);

export class FaultBook {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #documents: Documents;
  readonly #node: string;
  readonly #wanted = new Map<string, FaultReport>();
  readonly #queue: WorkQueue;
  #changed: () => void = () => undefined;

  constructor(host: Pick<Host, 'clock' | 'log'>, documents: Documents, node: string) {
    this.#host = host;
    this.#documents = documents;
    this.#node = node;
    this.#queue = new WorkQueue({
      clock: host.clock,
      concurrency: 1,
      firstBackoffMs: 500,
      maxBackoffMs: 30_000,
      work: (id) => this.#write(id),
      failed: (id, error) =>
        this.#host.log.warn('a fault could not be recorded yet', { fault: id, reason: errorText(error) }),
    });
  }

  /** Calls `fn` whenever the open faults of this node change. */
  onChange(fn: () => void): void {
    this.#changed = fn;
  }

  raise(about: string, report: FaultReport): void {
    const id = this.#ownId(about);
    const known = this.#wanted.get(id);
    if (known?.message === report.message && known.severity === report.severity) return;
    if (known === undefined) this.#host.log.warn(`fault: ${report.message}`, { fault: id });
    this.#wanted.set(id, report);
    this.#queue.add(id);
    this.#changed();
  }

  clear(about: string): void {
    const id = this.#ownId(about);
    if (!this.#wanted.delete(id)) return;
    this.#host.log.info('fault cleared', { fault: id });
    this.#queue.add(id);
    this.#changed();
  }

  /** The open faults that this node has raised. */
  open(): ReadonlyMap<string, FaultReport> {
    return this.#wanted;
  }

  /** Takes over what an earlier life of this daemon left open: what is not raised again after `graceMs` is cleared. */
  async adopt(graceMs: number): Promise<void> {
    for (const doc of await this.#documents.list(fault)) {
      if (doc.status?.node === this.#node && doc.status.clearedMs === undefined) this.#queue.addLater(doc.id, graceMs);
    }
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** The same trouble on two nodes is two faults: each is written, and cleared, by its own node. */
  #ownId(id: string): string {
    return id.endsWith(`:${this.#node}`) ? id : `${id}@${this.#node}`;
  }

  async #write(id: string): Promise<undefined> {
    const report = this.#wanted.get(id);
    const doc = await this.#documents.get(fault, id);
    const nowMs = this.#host.clock.wallMs();
    const old = doc?.status;
    if (report === undefined) {
      if (doc === undefined || old === undefined || old.clearedMs !== undefined) return undefined;
      await this.#commit(
        this.#documents.commitOf([{ do: 'status', kind: fault, before: doc, status: { ...old, clearedMs: nowMs } }]),
      );
      return undefined;
    }
    const fresh = old === undefined || old.clearedMs !== undefined;
    const status: FaultStatus = {
      severity: report.severity,
      message: report.message,
      hint: report.hint,
      object: report.object,
      delta: report.delta ?? usualDelta[report.severity],
      firstMs: fresh ? nowMs : old.firstMs,
      lastMs: nowMs,
      node: this.#node,
    };
    if (doc === undefined)
      await this.#commit(this.#documents.commitOf([{ do: 'create', kind: fault, id, spec: {}, status }]));
    else {
      // A fault that comes back is a new one: the old acknowledgement does not cover it.
      const writes = [{ do: 'status', kind: fault, before: doc, status } as const];
      await this.#commit(
        this.#documents.commitOf(fresh ? [...writes, { do: 'spec', kind: fault, before: doc, spec: {} }] : writes),
      );
    }
    return undefined;
  }

  async #commit({ ops, topics }: ReturnType<Documents['commitOf']>): Promise<void> {
    const result = await this.#documents.store.commit(ops, topics);
    if (result.outcome === 'ok') return;
    // Reading again tells what is true, whether it was a conflict or an unknown outcome.
    throw result.outcome === 'unknown' ? result.cause : new Error(`changed meanwhile: ${result.key}`);
  }
}
