/**
 * Runs the controllers of a node: one queue each, fed by changes in the store, by changes in the
 * world and by a slow resync, so that nothing is lost when a wake-up is.
 * @module
 */
import { errorText, PvcError } from '../error/error.ts';
import type { FaultBook } from '../fault/fault-book.ts';
import { faultId } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import { type AnyDoc, type Documents, stampOf } from '../store/documents.ts';
import type { Dirty, Op } from '../store/store.ts';
import { isStoreAway } from '../task/task-definition.ts';
import type { AnyController, Condition, ControlContext, Step } from './controller.ts';
import { WorkQueue } from './work-queue.ts';

/** What the error itself advises; a step's error carries the one that it failed with as its cause. */
function hintOf(error: unknown): string {
  const cause = error instanceof Error && !(error instanceof PvcError) ? error.cause : error;
  return cause instanceof PvcError
    ? cause.hint
    : 'It is tried again by itself, and this fault goes when it has succeeded.';
}

export interface EngineParts {
  readonly host: Pick<Host, 'clock' | 'log'>;
  readonly documents: Documents;
  readonly node: string;
  readonly faults: FaultBook;
  /** What commits of the primary's controllers carry; throws when this node is not primary any more. */
  readonly guard?: (what: string) => Op[];
}

/** Every object is looked at again at least this often; one at rest is at least glanced at. */
const resyncMs = 60_000;
/** Of so many resyncs one looks at what is at rest, too: what no sign tells of is found after half an hour. */
const thoroughEvery = 30;
/** Failures in a row before the administrator is told by a fault; the condition shows at once. */
const failuresBeforeFault = 2;

export class Engine {
  readonly #parts: EngineParts;
  readonly #runs: ControllerRun[] = [];
  readonly #ending: Promise<void>[] = [];

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Starts a controller; its watch ends with the signal. */
  start(controller: AnyController, signal: AbortSignal): void {
    const run = new ControllerRun(this.#parts, controller);
    this.#runs.push(run);
    signal.addEventListener(
      'abort',
      () => {
        this.#runs.splice(this.#runs.indexOf(run), 1);
        this.#ending.push(run.stop());
      },
      { once: true },
    );
    run.start(signal);
  }

  /** Hands changes of the store to the controllers whose kinds they are. */
  changed(dirty: Dirty): void {
    for (const run of this.#runs) run.changed(dirty);
  }

  /** Makes the controllers of a kind look at one object now. */
  touch(kind: string, id: string): void {
    for (const run of this.#runs) if (run.kind === kind) run.touch(id);
  }

  /** Resolves when no controller is at work any more; their signals have been aborted before. */
  async stop(): Promise<void> {
    await Promise.all([...this.#ending, ...this.#runs.map((run) => run.stop())]);
  }
}

/** An object as it was when nothing was left to do about it: while both are the same, a look would find nothing. */
interface Rest {
  /** Of its document (`Documents.stampsOf`). */
  readonly stamp: string | undefined;
  /** Of what is in the world (`Controller.sign`). */
  readonly sign: string;
}

class ControllerRun {
  readonly #parts: EngineParts;
  readonly #controller: AnyController;
  readonly #queue: WorkQueue;
  /** What fails now, by object, since when. */
  readonly #conditions = new Map<string, Condition>();
  /** What the store being away has kept from being done. */
  readonly #awaitingStore = new Set<string>();
  /** Names for people, as last seen. */
  readonly #labels = new Map<string, string>();
  /** What nothing was left to do about, as it was then. */
  readonly #resting = new Map<string, Rest>();
  #signal: AbortSignal = AbortSignal.abort();

  constructor(parts: EngineParts, controller: AnyController) {
    this.#parts = parts;
    this.#controller = controller;
    this.#queue = new WorkQueue({
      clock: parts.host.clock,
      concurrency: 8,
      firstBackoffMs: 500,
      maxBackoffMs: 60_000,
      work: (id) => this.#reconcile(id),
      failed: (id, error, failures) => this.#failed(id, error, failures),
    });
  }

  get kind(): string {
    return this.#controller.kind.name;
  }

  start(signal: AbortSignal): void {
    this.#signal = signal;
    const { host } = this.#parts;
    const log = host.log.child(this.#controller.name);
    void (async () => {
      for (let count = 0; !signal.aborted; count += 1) {
        try {
          await this.#resync(count % thoroughEvery === 0);
        } catch (error) {
          log.warn('resync failed, trying again', { reason: errorText(error) });
          await host.clock.sleep(1_000, signal).catch(() => undefined);
          continue;
        }
        await host.clock.sleep(resyncMs, signal).catch(() => undefined);
      }
    })();
    void (async () => {
      try {
        await this.#controller.watch?.(
          (id) =>
            id === 'all'
              ? void this.#resync().catch((error: unknown) => log.warn('resync failed', { reason: errorText(error) }))
              : this.#queue.add(id),
          signal,
        );
      } catch (error) {
        if (!signal.aborted) log.error('watching the world ended', { reason: errorText(error) });
      }
    })();
  }

  changed(dirty: Dirty): void {
    if (dirty.resync) {
      void this.#resync().catch((error: unknown) =>
        this.#parts.host.log.warn('resync failed', { controller: this.#controller.name, reason: errorText(error) }),
      );
      return;
    }
    for (const key of dirty.keys) {
      const [, kind, id, half] = key.split('/');
      // Its own status writes are not news; what others ask (spec) is.
      if (kind === this.kind && id !== undefined && half === 'spec') this.#queue.add(id);
    }
  }

  touch(id: string): void {
    this.#queue.add(id);
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    // What another node looks after from now on is for that node to tell.
    if (this.#controller.scope !== 'node') for (const id of [...this.#conditions.keys()]) this.#cured(id);
  }

  /** @param thorough also looks at what is at rest */
  async #resync(thorough = true): Promise<void> {
    const { documents, node } = this.#parts;
    const controller = this.#controller;
    const { kind, scope } = controller;
    const ids =
      scope === 'node' && controller.mine !== undefined && kind.concerns !== undefined
        ? new Set(await documents.idsAt(kind, node))
        : new Set((await documents.list(kind)).filter((doc) => this.#isMine(doc)).map((doc) => doc.id));
    for (const id of (await controller.present?.()) ?? []) ids.add(id);
    const signs = await controller.glance?.();
    for (const id of signs?.keys() ?? []) ids.add(id);
    for (const id of this.#resting.keys()) if (!ids.has(id)) this.#resting.delete(id);
    if (!thorough && signs !== undefined) for (const id of await this.#unmoved(signs)) ids.delete(id);
    // The store answers: what only waited for it is not kept waiting by its back-off.
    for (const id of ids) this.#queue.add(id, this.#awaitingStore.delete(id));
  }

  /** Those at rest that are in the store and in the world as they were. */
  async #unmoved(signs: ReadonlyMap<string, string>): Promise<string[]> {
    const resting = [...this.#resting].filter(([id, { sign }]) => sign === (signs.get(id) ?? ''));
    const stamps = await this.#parts.documents.stampsOf(resting.map(([id]) => [this.#controller.kind, id]));
    return resting.flatMap(([id, rest], index) =>
      rest.stamp === stamps[index] && this.#resting.get(id) === rest ? [id] : [],
    );
  }

  #read(id: string): Promise<AnyDoc | undefined> {
    return this.#parts.documents.get(this.#controller.kind, id);
  }

  #isMine(doc: AnyDoc): boolean {
    return this.#controller.mine?.(doc, this.#parts.node) ?? true;
  }

  async #reconcile(id: string): Promise<number | undefined> {
    const { host, node } = this.#parts;
    const controller = this.#controller;
    this.#resting.delete(id);
    const found = await this.#read(id);
    if (found !== undefined) this.#labels.set(id, controller.kind.label?.(found.spec) ?? id);
    const doc = found !== undefined && this.#isMine(found) ? found : undefined;
    const context = (): ControlContext => ({ node, nowMs: host.clock.wallMs() });
    let observed: unknown = await controller.observe(id, doc);
    const plan = controller.plan(doc, observed, context());
    for (const step of plan.steps) await this.#apply(step, id);
    if (plan.steps.length > 0) observed = await controller.observe(id, doc);
    this.#cured(id);
    const told =
      doc !== undefined && (await this.#report(plan.steps.length === 0 ? doc : await this.#read(id), observed));
    if (found === undefined) this.#labels.delete(id);
    const sign = controller.sign?.(observed);
    const restful = plan.steps.length === 0 && plan.againInMs === undefined && !told;
    if (restful && sign !== undefined)
      this.#resting.set(id, { stamp: found === undefined ? undefined : stampOf(found), sign });
    return plan.againInMs;
  }

  async #apply(step: Step, id: string): Promise<void> {
    const { host } = this.#parts;
    const deadline = new AbortController();
    const signal = AbortSignal.any([deadline.signal, this.#signal]);
    const cancel = host.clock.after(step.timeoutMs, () =>
      deadline.abort(new Error(`not done within ${step.timeoutMs / 1000} s`)),
    );
    const startedMs = host.clock.monotonicMs();
    try {
      const aborted = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
      aborted.catch(() => undefined);
      await Promise.race([this.#controller.apply(step, id, signal), aborted]);
    } catch (error) {
      throw new Error(`${step.text}: ${errorText(error)}`, { cause: error });
    } finally {
      cancel();
    }
    host.log
      .child(this.#controller.name)
      .info(step.text, { id, tookMs: Math.round(host.clock.monotonicMs() - startedMs) });
  }

  /**
   * Writes the status if it differs from the stored one. A conflict means that the object changed: it comes again.
   * @returns whether there was something to write
   */
  async #report(doc: AnyDoc | undefined, observed: unknown): Promise<boolean> {
    const { host, documents, node } = this.#parts;
    const controller = this.#controller;
    if (controller.report === undefined || doc === undefined || !this.#isMine(doc)) return false;
    const { id } = doc;
    const condition = this.#conditions.get(id);
    const status: unknown = controller.report(doc, observed, condition === undefined ? [] : [condition], {
      node,
      nowMs: host.clock.wallMs(),
    });
    if (JSON.stringify(status) === JSON.stringify(doc.status)) return false;
    const { ops, topics } = documents.commitOf([{ do: 'status', kind: controller.kind, before: doc, status }]);
    const guard = controller.scope !== 'node' ? (this.#parts.guard?.(`the status of ${this.kind} ${id}`) ?? []) : [];
    const result = await documents.store.commit([...guard, ...ops], topics);
    if (result.outcome === 'conflict') this.#queue.add(id);
    // What was lost is found out at the next look: the status is compared with what is stored then.
    if (result.outcome === 'unknown') throw result.cause;
    return true;
  }

  #failed(id: string, error: unknown, failures: number): void {
    if (this.#signal.aborted) return;
    const { host, faults } = this.#parts;
    const label = this.#labels.get(id) ?? id;
    const message = errorText(error);
    if (isStoreAway(error)) this.#awaitingStore.add(id);
    const known = this.#conditions.get(id);
    this.#conditions.set(id, { type: this.#controller.name, message, sinceMs: known?.sinceMs ?? host.clock.wallMs() });
    host.log.child(this.#controller.name).warn(message, { id, failures });
    if (failures >= failuresBeforeFault) {
      faults.raise(faultId(this.#controller.name, id), {
        severity: 'warning',
        message: `${this.kind} ${label}: ${message}`,
        hint: hintOf(error),
        object: `${this.kind} ${label}`,
      });
    }
    // The condition must be seen while it lasts; this is best effort, the retry reports again.
    void (async () => {
      const doc = await this.#read(id);
      if (doc !== undefined) await this.#report(doc, await this.#controller.observe(id, doc));
    })().catch((reason: unknown) =>
      host.log.debug('the condition could not be reported yet', { id, reason: errorText(reason) }),
    );
  }

  #cured(id: string): void {
    this.#conditions.delete(id);
    this.#parts.faults.clear(faultId(this.#controller.name, id));
  }
}
