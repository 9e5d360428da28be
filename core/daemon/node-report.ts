/** What this node says of itself: its document is written when it changes, at most every ten seconds. @module */
import type { Watchdog } from '../cluster/isolation/watchdog.ts';
import type { FaultBook } from '../fault/fault-book.ts';
import type { Host, MachineFacts, MachineLoad } from '../host/host.ts';
import { type NodeStatus, node } from '../model/node-kind.ts';
import type { ShapeLevels } from '../model/shapes.ts';
import type { Hooks } from '../plugin/hooks.ts';
import type { ServiceStatus } from '../service/service.ts';
import { type Documents, stampOf } from '../store/documents.ts';
import { announceAlive } from './announce-alive.ts';

export interface NodeReportParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'machine'>;
  readonly documents: Documents;
  readonly node: string;
  readonly version: string;
  readonly shapes: ShapeLevels;
  readonly hooks: Hooks;
  readonly faults: FaultBook;
  readonly coordinatorState: () => NodeStatus['coordinator'];
  readonly services: () => readonly ServiceStatus[];
  /** Undefined: this machine has none. */
  readonly watchdog: Pick<Watchdog, 'record' | 'announced'> | undefined;
}

/** Steps in which load and memory are told, so that noise alone writes nothing. */
const memoryStepMiB = 128;
const loadStep = 0.25;

/** A status that is another one only in its time is the same. */
const textOf = (status: NodeStatus): string => JSON.stringify({ ...status, updatedMs: 0 });

export class NodeReport {
  readonly #parts: NodeReportParts;
  readonly #startedMs: number;
  /** Epoch of the session that it is announced in. */
  #announced: number | undefined;
  /** What the status was, without its time, when the stored object had that stamp. */
  #stored: { readonly stamp: string; readonly text: string } | undefined;

  constructor(parts: NodeReportParts) {
    this.#parts = parts;
    this.#startedMs = parts.host.clock.wallMs();
  }

  /** Makes the ephemeral key by which others see that this daemon lives, once in each session. */
  async announce(): Promise<void> {
    const { documents, node: name } = this.#parts;
    const { epoch } = documents.store.session;
    if (this.#announced === epoch) return;
    await announceAlive(documents, name, this.#startedMs, (await this.#parts.host.machine.facts()).bootId);
    this.#announced = epoch;
    this.#parts.watchdog?.announced(documents.store.session, epoch);
  }

  /** The key may be gone though the session is the same: it is looked at with the next report. */
  announceAgain(): void {
    this.#announced = undefined;
  }

  /**
   * Makes sure that others see this daemon, and writes the status when it differs from the stored one.
   * @param stamp the stored object as it was just now (`Documents.stampsOf`): it is not read when it is known
   */
  async write(daemon: NodeStatus['daemon'], stamp?: string): Promise<void> {
    const { host, documents, hooks } = this.#parts;
    await this.announce();
    const [facts, load, told] = await Promise.all([
      host.machine.facts(),
      host.machine.load(),
      hooks.keepalive.call({ node: this.#parts.node }),
    ]);
    const status = this.#statusOf(
      daemon,
      facts,
      load,
      Object.fromEntries(told.map(({ plugin, result }) => [plugin, { ...result }])),
    );
    const text = textOf(status);
    if (stamp !== undefined && this.#stored?.stamp === stamp && this.#stored.text === text) return;
    const doc = await documents.need(node, this.#parts.node);
    if (doc.status !== undefined && textOf(doc.status) === text) {
      this.#stored = { stamp: stampOf(doc), text };
      return;
    }
    const { ops, topics } = documents.commitOf([{ do: 'status', kind: node, before: doc, status }]);
    const result = await documents.store.commit(ops, topics);
    if (result.outcome === 'unknown') throw result.cause;
  }

  #statusOf(
    daemon: NodeStatus['daemon'],
    facts: MachineFacts,
    load: MachineLoad,
    told: NodeStatus['facts'],
  ): NodeStatus {
    const { host, version, shapes, faults, coordinatorState, services, watchdog } = this.#parts;
    const lost = [...faults.open().values()].reduce(
      (sum, report) => sum + (report.delta ?? { info: 0, warning: 10, critical: 50 }[report.severity]),
      0,
    );
    const { bootId, ...machine } = facts;
    // A daemon that stops disarms it, once nobody counts on it any more.
    const armed = daemon === 'stop' ? undefined : watchdog?.record;
    return {
      daemon,
      coordinator: coordinatorState(),
      version,
      shapes: { ...shapes },
      startedMs: this.#startedMs,
      updatedMs: host.clock.wallMs(),
      bootId,
      machine,
      load: {
        memoryAvailableMiB: Math.round(load.memoryAvailableMiB / memoryStepMiB) * memoryStepMiB,
        load1: Math.round(load.load1 / loadStep) * loadStep,
      },
      health: Math.max(0, 100 - lost),
      facts: told,
      ...(armed === undefined ? {} : { watchdog: armed }),
      services: services().map(({ name, state, restarts, message }) => ({ name, state, restarts, message })),
    };
  }
}
