/**
 * What a node does that has lost the store: asks the coordinators whether they reach it, and when it is cut off ends what
 * may go on elsewhere. All of it by what it knows itself: there is nobody else to ask. See docs/decisions/024.
 * @module
 */
import { errorText } from '../../error/error.ts';
import { type FaultBook, faultId } from '../../fault/fault-book.ts';
import type { Host } from '../../host/host.ts';
import type { ClusterSpec } from '../../model/cluster-kind.ts';
import type { Session } from '../../store/store.ts';
import { askCoordinators, findingFrom, type Peers, type Word } from './ask-coordinators.ts';
import { type Finding, type Reach, reachOf } from './finding.ts';

/** What came of ending guests. */
export interface Ended {
  readonly ended: readonly string[];
  /** What could not be ended, with the reason. */
  readonly left: readonly string[];
}

export interface LivenessParts {
  readonly host: Pick<Host, 'clock' | 'log'>;
  readonly node: string;
  readonly session: Session;
  readonly peers: Peers;
  readonly faults: Pick<FaultBook, 'raise' | 'clear'>;
  /** Ends what may go on elsewhere. Good to be done twice. */
  readonly end: () => Promise<Ended>;
  /** The store is back, and that has been told long enough: nothing is to be ended any more. */
  readonly over: () => void;
}

export interface Loss {
  /** Undefined: it is not certain yet. */
  readonly finding: Finding | undefined;
  /** When the store was lost, wall clock. */
  readonly sinceMs: number;
  readonly words: readonly Word[];
  readonly ended: readonly string[];
  readonly left: readonly string[];
}

const askEveryMs = 500;
/**
 * A finding must have stood so long before anything is ended: the session may be back in a moment. Others wait a second and
 * a half until the session has ended, and as long again until they take the node for dead.
 */
export const patienceMs = 2_500;
/** After an outage, nodes return one by one, and nobody takes anybody for dead before ten seconds (fence-plan.ts, judgeMs). */
export const patienceAfterOutageMs = 8_000;
const endAgainMs = 1_000;
/** How long it is told, once the store is back. */
const toldMs = 10_000;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

export class Liveness {
  readonly #parts: LivenessParts;
  readonly #names = new Set<string>();
  #policy: 'stop' | 'keep' = 'stop';
  #maintenance = false;
  #loss: Loss | undefined;
  #lastLoss: (Loss & { readonly untilMs: number }) | undefined;
  #watching = false;

  constructor(parts: LivenessParts) {
    this.#parts = parts;
  }

  /** From now on the policy is what that says. */
  learn({ isolation, maintenance }: Pick<ClusterSpec, 'isolation' | 'maintenance'>): void {
    this.#policy = isolation ?? 'stop';
    this.#maintenance = maintenance;
  }

  /** What is ended when the node is cut off. In maintenance nobody is taken for dead, so nothing need be. */
  get policy(): 'stop' | 'keep' | 'maintenance' {
    return this.#maintenance ? 'maintenance' : this.#policy;
  }

  /** What this node tells others of its way to the store. */
  get reach(): Reach {
    const { host, node, session } = this.#parts;
    return reachOf(node, session.state, session.leaseUntilMs - host.clock.monotonicMs());
  }

  /** The store is lost now, and what has been found out. */
  get loss(): Loss | undefined {
    return this.#loss;
  }

  get lastLoss(): (Loss & { readonly untilMs: number }) | undefined {
    return this.#lastLoss;
  }

  /** The node is cut off, or may be: nothing is to be started that may go on elsewhere. */
  get mayBeCutOff(): boolean {
    return this.#loss !== undefined && this.#loss.finding !== 'outage';
  }

  /** Looks on until the signal aborts. */
  run(signal: AbortSignal): void {
    const { session, host } = this.#parts;
    const look = (): void => {
      if (session.state !== 'lost' || this.#watching || signal.aborted) return;
      this.#watching = true;
      void this.#whileLost(signal)
        .catch((error: unknown) => host.log.error('watching the loss of the store ended', { reason: errorText(error) }))
        .finally(() => {
          this.#watching = false;
          // It may have been lost again in the very moment.
          look();
        });
    };
    const stop = session.onChange(look);
    signal.addEventListener('abort', stop, { once: true });
    look();
  }

  async #whileLost(signal: AbortSignal): Promise<void> {
    const { host, session } = this.#parts;
    const { clock } = host;
    const back = new AbortController();
    const stop = session.onChange((state) => {
      if (state === 'live') back.abort();
    });
    const over = AbortSignal.any([signal, back.signal]);
    const pause = (ms: number): Promise<void> => clock.sleep(ms, over).catch(() => undefined);
    this.#names.clear();
    this.#loss = { finding: undefined, sinceMs: clock.wallMs(), words: [], ended: [], left: [] };
    let patience = patienceMs;
    let isolatedSinceMs: number | undefined;
    try {
      while (!over.aborted && session.state !== 'live') {
        const beganMs = clock.monotonicMs();
        const words = await askCoordinators(this.#parts, over);
        if (over.aborted) break;
        if (words.length === 0) {
          // The state is on this node alone: nobody can be cut off from it.
          this.#loss = undefined;
          await aborted(over);
          return;
        }
        this.#loss = { ...this.#loss, words };
        if (findingFrom(words) === 'outage') {
          isolatedSinceMs = undefined;
          patience = patienceAfterOutageMs;
          this.#found('outage');
          await pause(askEveryMs);
          continue;
        }
        isolatedSinceMs ??= beganMs;
        const dueMs = isolatedSinceMs + patience - clock.monotonicMs();
        if (dueMs > 0) {
          await pause(Math.min(askEveryMs, Math.max(1, dueMs)));
          continue;
        }
        this.#found('isolated');
        if (this.policy === 'stop') await this.#end();
        await pause(endAgainMs);
      }
    } finally {
      stop();
      if (!signal.aborted) this.#isBack(this.#loss);
      this.#loss = undefined;
    }
  }

  async #end(): Promise<void> {
    const { ended, left } = await this.#parts.end();
    for (const name of ended) this.#names.add(name);
    if (this.#loss !== undefined) this.#loss = { ...this.#loss, ended: [...this.#names], left };
    if (ended.length > 0) this.#log.warn(`ended here, since they may go on elsewhere: ${ended.join(', ')}`);
    if (left.length > 0) this.#log.warn(`could not be ended: ${left.join('; ')}`);
  }

  get #log() {
    return this.#parts.host.log.child('liveness');
  }

  #found(finding: Finding): void {
    if (this.#loss === undefined || this.#loss.finding === finding) return;
    this.#loss = { ...this.#loss, finding };
    if (finding === 'outage') this.#log.warn('nobody reaches the state of the cluster: guests run on');
    else if (this.policy === 'stop')
      this.#log.warn('is cut off from the state of the cluster: what may go on elsewhere is ended here');
    else this.#log.warn(`is cut off from the state of the cluster: guests run on (${this.policy})`);
  }

  /** What was found is told now that somebody hears it. */
  #isBack(loss: Loss | undefined): void {
    const { host, node, faults } = this.#parts;
    if (loss?.finding === undefined) return;
    this.#lastLoss = { ...loss, untilMs: host.clock.wallMs() };
    this.#log.info('reaches the state of the cluster again');
    const fault = faultId('node.isolated', node);
    if (loss.finding === 'isolated')
      faults.raise(fault, {
        severity: 'warning',
        message: `${node} was cut off from the state of the cluster${loss.ended.length === 0 ? '' : ` and has ended ${loss.ended.join(', ')}`}.`,
        hint: 'Look at its network. This goes by itself; what was ended and did not go on elsewhere starts again.',
        object: `node ${node}`,
      });
    // Also after an outage: before that was known it may have been taken for a cut, and something have failed.
    host.clock.after(toldMs, () => {
      faults.clear(fault);
      this.#parts.over();
    });
  }
}
