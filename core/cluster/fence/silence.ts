/**
 * Finds out that a machine says nothing any more, seconds before its session ends: it is knocked at twice a second. Silence
 * proves nothing, it may be a cable; but it is a reason to ask the BMC at once. One that reads off tells that the node is
 * dead. The primary listens to all others; the other coordinators listen to the primary.
 * @module
 */
import { errorText } from '../../error/error.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import type { Doc } from '../../model/kind.ts';
import { type NodeSpec, type NodeStatus, node as nodeKind } from '../../model/node-kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { task } from '../../task/task-kind.ts';
import type { Peer } from '../isolation/ask-coordinators.ts';
import { holderKey } from '../primary.ts';
import { isSwitchedByHand } from './power-plan.ts';

/** The way to the machines of other nodes that needs neither the store nor a daemon there. */
export interface Door {
  /** Whether the machine answers anything within so many milliseconds: "nobody listens" is an answer as well. */
  answers(peer: Peer, withinMs: number): Promise<boolean>;
}

/** What this node is in its cluster. */
export interface Rank {
  /** Whether it leads, or is about to. */
  leads(): boolean;
  /** Takes the role from a primary that is off. */
  depose(node: string): Promise<void>;
}

const knockEveryMs = 500;
const answerWithinMs = 750;
/** So long a machine is silent before its BMC is asked: one lost packet is sent again after a second at most (RFC 6298). */
export const silentMs = 1_500;
/** A BMC that takes longer is of no use here: by then the session is about to end, and the fence asks it itself. */
const askWithinMs = 4_000;
/** From a BMC that did not read off until it is asked again. */
const askAgainMs = 5_000;
/** So long a reading holds: somebody may switch the machine on. */
const readingHoldsMs = 3_000;
/** So often at most it is read who is to be listened to, however much changes. */
const namesAfterMs = 5_000;
/** And so often at least, though nothing was told: the news may have been lost. */
const namesAnewMs = 60_000;

interface Watched {
  peer: Peer;
  /** When the first knock was sent that nothing answered, on the monotonic clock; undefined: it answers. */
  silentSinceMs?: number;
  knocking: boolean;
  asking: boolean;
  deposing: boolean;
  askAgainAtMs: number;
  /** When its BMC last read off in this silence. */
  offAtMs?: number;
}

type Parts = Pick<Runtime, 'documents' | 'host' | 'node' | 'power' | 'touch'>;

export class Silence {
  readonly #runtime: Parts;
  readonly #door: Door;
  readonly #rank: Rank;
  readonly #watched = new Map<string, Watched>();
  /** Whether something has changed since it was read who is to be listened to. */
  #news = false;

  constructor(runtime: Parts, door: Door, rank: Rank) {
    this.#runtime = runtime;
    this.#door = door;
    this.#rank = rank;
  }

  /** How long nothing has been heard of the machine, in milliseconds; 0 when it answers, or is not listened to. */
  forMs(node: string): number {
    const since = this.#watched.get(node)?.silentSinceMs;
    return since === undefined ? 0 : this.#nowMs() - since;
  }

  /** Whether its BMC has read just now that the machine is off, while that was silent. */
  readsOff(node: string): boolean {
    const { silentSinceMs, offAtMs } = this.#watched.get(node) ?? {};
    return silentSinceMs !== undefined && offAtMs !== undefined && this.#nowMs() - offAtMs < readingHoldsMs;
  }

  /** A node, who is primary, or the cluster's settings may be others now. */
  changed(): void {
    this.#news = true;
  }

  /** Listens as long as this node is a coordinator. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#runtime.host;
    let namesAtMs = Number.NEGATIVE_INFINITY;
    let asPrimary = false;
    while (!signal.aborted) {
      const ageMs = this.#nowMs() - namesAtMs;
      if (ageMs >= (this.#news ? namesAfterMs : namesAnewMs) || asPrimary !== this.#rank.leads())
        try {
          asPrimary = this.#rank.leads();
          this.#news = false;
          this.#listenTo(await this.#whom(asPrimary));
          namesAtMs = this.#nowMs();
        } catch (error) {
          this.#news = true;
          log.warn('who is to be listened to could not be read', { reason: errorText(error) });
        }
      if (signal.aborted) break;
      // Where the one before it is on its way still, no other one is sent.
      for (const state of this.#watched.values()) if (!state.knocking) this.#knock(state, signal);
      await clock.sleep(knockEveryMs, signal).catch(() => undefined);
    }
    this.#watched.clear();
  }

  /** Nodes of which anything could be proven before their sessions end; none where PVC is told to leave the power alone. */
  async #whom(asPrimary: boolean): Promise<Peer[]> {
    const { documents, node: self } = this.#runtime;
    const made = await documents.get(cluster, clusterId);
    if (made === undefined || made.spec.maintenance || fencingOf(made.spec).power === 'never') return [];
    return (await this.#candidates(asPrimary)).flatMap(({ id, spec, status }) =>
      id === self || spec.bmc === undefined || spec.address === undefined || status?.daemon === 'stop'
        ? []
        : [{ node: id, address: spec.address }],
    );
  }

  /** The primary listens to all, the others to the primary. */
  async #candidates(asPrimary: boolean): Promise<Doc<NodeSpec, NodeStatus>[]> {
    const { documents } = this.#runtime;
    if (asPrimary) return documents.list(nodeKind);
    const primary = (await documents.store.read(holderKey))?.value;
    const doc = primary === undefined ? undefined : await documents.get(nodeKind, primary);
    return doc === undefined ? [] : [doc];
  }

  /** Who is listened to no more, is not silent either. */
  #listenTo(peers: readonly Peer[]): void {
    const names = new Set(peers.map(({ node }) => node));
    for (const node of this.#watched.keys()) if (!names.has(node)) this.#watched.delete(node);
    for (const peer of peers) {
      const known = this.#watched.get(peer.node);
      if (known === undefined)
        this.#watched.set(peer.node, { peer, knocking: false, asking: false, deposing: false, askAgainAtMs: 0 });
      else known.peer = peer;
    }
  }

  /** Nobody waits for it. */
  #knock(state: Watched, signal: AbortSignal): void {
    const { peer } = state;
    const sentMs = this.#nowMs();
    state.knocking = true;
    this.#door
      .answers(peer, answerWithinMs)
      .then((answers) => {
        state.knocking = false;
        if (answers) this.#heard(state);
        else this.#missed(state, sentMs, signal);
      })
      .catch((error: unknown) => {
        state.knocking = false;
        this.#runtime.host.log.warn(`${peer.node} could not be knocked at`, { reason: errorText(error) });
      });
  }

  #heard(state: Watched): void {
    if (state.silentSinceMs === undefined) return;
    delete state.silentSinceMs;
    delete state.offAtMs;
  }

  #missed(state: Watched, sentMs: number, signal: AbortSignal): void {
    state.silentSinceMs ??= sentMs;
    if (this.#nowMs() - state.silentSinceMs < silentMs || signal.aborted) return;
    this.#act(state.peer.node, state);
    if (!state.asking && this.#nowMs() >= state.askAgainAtMs) void this.#ask(state.peer.node, state, signal);
  }

  /** The primary looks at the node; another coordinator takes the role from one that is off. */
  #act(node: string, state: Watched): void {
    const { host, touch } = this.#runtime;
    if (this.#rank.leads()) return touch(nodeKind.name, node);
    if (state.deposing || !this.readsOff(node)) return;
    state.deposing = true;
    void this.#rank
      .depose(node)
      // The leader of the ensemble may have died with it: it is tried again at the next knock.
      .catch((error: unknown) =>
        host.log.child('fence').info(`the role of ${node} cannot be taken away yet`, { reason: errorText(error) }),
      )
      .finally(() => {
        state.deposing = false;
      });
  }

  async #ask(node: string, state: Watched, signal: AbortSignal): Promise<void> {
    const { documents, host, power } = this.#runtime;
    const log = host.log.child('fence');
    state.asking = true;
    const late = new AbortController();
    const cancel = host.clock.after(askWithinMs, () =>
      late.abort(new Error(`no answer within ${askWithinMs / 1000} s`)),
    );
    try {
      if (isSwitchedByHand(await documents.list(task), node, host.clock.wallMs())) return;
      const read = await power.status(node, AbortSignal.any([signal, late.signal]));
      log.info(`${node} is silent, its BMC reads ${read}`);
      if (read !== 'off' || state.silentSinceMs === undefined) return;
      state.offAtMs = this.#nowMs();
      this.#act(node, state);
    } catch (error) {
      // The checks of BMCs raise the fault of one that does not answer; here it only gains no time.
      if (!signal.aborted) log.info(`${node} is silent, and so is its BMC`, { reason: errorText(error) });
    } finally {
      cancel();
      state.asking = false;
      state.askAgainAtMs = this.#nowMs() + (state.offAtMs === undefined ? askAgainMs : readingHoldsMs / 2);
    }
  }

  #nowMs(): number {
    return this.#runtime.host.clock.monotonicMs();
  }
}
