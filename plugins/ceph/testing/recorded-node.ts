/**
 * A node of a cluster with Ceph in memory, for tasks under test: its daemon can be killed before, in or after any command
 * that it runs, and lives again with what was written down.
 * @module
 */
import assert from 'node:assert/strict';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { AnyTaskDefinition, Runtime, TaskRun } from '../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { CephCommand } from '../command/ceph-command.ts';
import { OsdDaemons } from '../osd/osd-daemons.ts';
import { osd } from '../osd/osd-kind.ts';
import { RecordedCeph } from './recorded-ceph.ts';

/** Where the daemon dies: in its nth command from here, before it, in the middle of it, or after it. */
export interface Cut {
  readonly at: number;
  readonly how: 'before' | 'middle' | 'after';
}

type MakeTask = (runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons) => AnyTaskDefinition;

export class RecordedNode {
  readonly host = createVirtualHost();
  readonly ceph = new RecordedCeph(this.host.files);
  readonly documents = new Documents(new MemoryCluster({ clock: this.host.clock }).open('hv1'));
  /** What the task wrote down last. */
  phase = '';
  data: unknown;
  /** Commands of the life that ran last. */
  commands = 0;
  #life = new AbortController();
  #cut: Cut | undefined;

  constructor() {
    // Every node understands logical volumes.
    this.documents.shapes.agree({ osd: osd.version });
    this.host.processes.on(
      () => true,
      async ({ argv }) => {
        this.#life.signal.throwIfAborted();
        this.commands += 1;
        const dies = this.commands - 1 === this.#cut?.at ? this.#cut.how : undefined;
        const answer = dies === 'before' ? {} : await this.ceph.answer(argv, dies === 'middle');
        if (dies === undefined) return answer;
        const killed = new Error(`killed ${dies} ${argv.join(' ')}`);
        this.#life.abort(killed);
        throw killed;
      },
    );
  }

  /** One life of the daemon: the task runs until its end, or until the cut. True: it came to its end. */
  async live(make: MakeTask, target: string, input: unknown, cut?: Cut): Promise<boolean> {
    const { definition, run } = await this.#begin(make, target, input, cut);
    const ended = await this.#through(definition.run(run).then(() => true));
    assert.equal(ended, !this.#life.signal.aborted);
    return ended;
  }

  /** The daemon's next life learns that the task was cancelled meanwhile. */
  async giveUp(make: MakeTask, target: string, input: unknown): Promise<void> {
    const { definition, run } = await this.#begin(make, target, input);
    await this.#through(definition.abandoned?.(run, 'cancelled') ?? Promise.resolve());
  }

  /** Everything that could be left over, for comparisons. */
  async state(): Promise<unknown> {
    const docs = (await this.documents.list(osd)).map(({ id, spec }) => ({ id, ...spec }));
    return { docs, ...this.ceph.state };
  }

  async #begin(make: MakeTask, target: string, input: unknown, cut?: Cut) {
    this.#life = new AbortController();
    const { signal } = this.#life;
    const runtime = this.#runtime();
    const ceph = new CephCommand(this.host);
    const daemons = new OsdDaemons(runtime, ceph);
    this.commands = 0;
    this.#cut = undefined;
    // As the controller does.
    const look = async (id: string): Promise<void> => {
      if ((await this.documents.get(osd, id))?.spec.serve === true) await daemons.serve(id);
    };
    for (const { id } of await this.documents.list(osd)) await look(id);
    this.commands = 0;
    this.#cut = cut;
    runtime.touch = (_kind, id) => void look(id).catch(() => undefined);
    const advance: TaskRun['advance'] = async (phase, update = {}) => {
      signal.throwIfAborted();
      this.phase = phase;
      if (update.data !== undefined) this.data = update.data;
    };
    const node = this;
    const run = {
      ...{ id: 'task', resumed: false, signal, log: this.host.log, leftMs: 1e9, advance, progress: () => undefined },
      spec: { target: { kind: 'osd', id: target, label: target }, input },
      get phase() {
        return node.phase;
      },
      get data() {
        return node.data;
      },
    } as unknown as TaskRun;
    return { definition: make(runtime, ceph, daemons), run };
  }

  #runtime(): { -readonly [K in keyof Runtime]: Runtime[K] } {
    const { documents, host, ceph } = this;
    const write = async (writes: readonly Write[]): Promise<void> => {
      const { ops, topics } = documents.commitOf(writes);
      const result = await documents.store.commit(ops, topics);
      assert.equal(result.outcome, 'ok');
    };
    const supervise: Runtime['supervise'] = ({ name }) => {
      const id = Number(name.replace('ceph-osd-', ''));
      ceph.start(id);
      return {
        status: () => ({ name, state: 'running', pid: 1, restarts: 0, message: '' }),
        restart: async () => undefined,
        end: async () => ceph.stop(id),
      };
    };
    return { host, node: 'hv1', documents, write, supervise, touch: () => undefined } as unknown as Runtime;
  }

  /** Lets time pass until it has settled. False: the daemon was killed. */
  async #through<T>(work: Promise<T>): Promise<T | false> {
    let settled = false;
    const end = work.then(
      (value) => {
        settled = true;
        return value;
      },
      (error: unknown) => {
        settled = true;
        if (this.#life.signal.aborted) return false as const;
        throw error;
      },
    );
    end.catch(() => undefined);
    while (!settled) await this.host.clock.advance(500);
    return end;
  }
}
