/**
 * The whole simulated cluster: machines, links, the store, the guests; and the truth about all of them. Everything takes
 * its time from one virtual clock and its chance from one seed, so that a run can be repeated to the last line.
 * @module
 */

import { VirtualClock } from '../../core/host/virtual-clock.ts';
import { type BmcSpec, bmcSecret } from '../../core/model/bmc-kind.ts';
import { clusterId, cluster as clusterKind } from '../../core/model/cluster-kind.ts';
import { fence as fenceKind } from '../../core/model/fence-kind.ts';
import type { FencingPolicy } from '../../core/model/fencing-policy.ts';
import { node as nodeKind } from '../../core/model/node-kind.ts';
import { Documents, type Write } from '../../core/store/documents.ts';
import { MemoryCluster } from '../../core/store/memory.ts';
import type { LatencyRange } from '../../core/store/memory-link.ts';
import { type Rule, vmRule } from '../../plugins/libvirt/rule/rule-kind.ts';
import { type Chance, chance } from './chance.ts';
import { ClusterState } from './cluster-state.ts';
import { Fabric } from './fabric.ts';
import { type GuestDescription, guestWrite } from './guest-document.ts';
import { Guests } from './guests.ts';
import type { Hypervisor } from './hypervisor.ts';
import { type NodeDescription, SimNode } from './node.ts';
import { OldCopies } from './old-copies.ts';
import { nothingPlanted, type Plant } from './plants.ts';
import { Rules } from './rules.ts';
import { Storage } from './storage.ts';
import { Trace } from './trace.ts';
import type { Violation } from './violation.ts';

export interface WorldDescription {
  readonly seed: number | string;
  readonly nodes: readonly NodeDescription[];
  readonly guests: readonly GuestDescription[];
  readonly rules: readonly Rule[];
  /** How dead nodes are treated; undefined: as by default. */
  readonly fencing?: FencingPolicy | undefined;
  /** What a node that is cut off does with guests that may go on elsewhere; undefined: as without a word. */
  readonly isolation?: 'stop' | 'keep' | undefined;
  /** The cluster network's floating address. */
  readonly floating: string | undefined;
  readonly store: { readonly latencyMs: LatencyRange };
}

export interface WorldOptions {
  readonly plant?: Plant;
  /** Keeps what the daemons log. */
  readonly daemonLines?: boolean;
}

/** How long a daemon that stood still, or had no libvirt, takes to find out how things are. */
const recoverMs = 12_000;
const bmcAt = (address: string): BmcSpec => ({
  ...{ driver: 'sim', address, user: 'pvc', cipherSuite: 17, privilege: 'OPERATOR' },
});

const sessionTimeoutMs = 6_000;
const heartbeatMs = 1_000;
/** A quarter of the session, as core/store/zookeeper/session.ts has it. */
const leaseMarginMs = 1_500;

export const ownerOf = (node: string): string => `daemon-${node}`;
const nodeOf = (owner: string): string => owner.replace(/^daemon-/, '');

export class World {
  readonly description: WorldDescription;
  readonly clock = new VirtualClock();
  readonly random: Chance;
  /** For questions between nodes that have lost the store. */
  readonly peerRandom: Chance;
  readonly trace: Trace;
  readonly fabric: Fabric;
  readonly cluster: MemoryCluster;
  readonly guests: Guests;
  readonly state: ClusterState;
  readonly storage: Storage;
  readonly rules: Rules;
  readonly nodes = new Map<string, SimNode>();
  readonly violations: Violation[] = [];
  /** Who has the floating address. */
  readonly holders = new Set<string>();
  readonly #onDuty = new Set<string>();
  storeDown = false;
  /** Ends what still waits for an occasion to break something. */
  readonly #disarm = new Set<() => void>();
  readonly #plant: Plant;
  readonly #setUp: Promise<void>;

  constructor(description: WorldDescription, options: WorldOptions = {}) {
    const { clock } = this;
    this.description = description;
    this.#plant = options.plant ?? nothingPlanted;
    this.random = chance(description.seed);
    this.peerRandom = chance(`peers/${description.seed}`);
    this.trace = new Trace(() => clock.monotonicMs(), { daemonLines: options.daemonLines ?? false });
    this.fabric = new Fabric(this.trace);
    this.state = new ClusterState(() => clock.monotonicMs(), this.trace);
    const violated = (rule: string, text: string): void => this.violated(rule, text);
    this.rules = new Rules({
      state: this.state,
      read: (key) => this.cluster.tree.get(key),
      nowMs: () => clock.monotonicMs(),
      memoryOf: (name) => this.nodes.get(name)?.description.memoryMiB ?? 0,
      runningBoot: (name) => {
        const node = this.nodes.get(name);
        return node?.powered === true ? node.bootId : undefined;
      },
      stoodStillMs: (name) => this.nodes.get(name)?.stoodStillMs ?? -Infinity,
      violated,
    });
    this.cluster = new MemoryCluster({
      clock,
      random: this.random.fork(),
      sessionTimeoutMs,
      leaseMarginMs,
      heartbeatMs,
      observer: {
        commit: (owner, ops, commit) => this.rules.commit(nodeOf(owner), ops, commit),
        ended: (owner, keys) => {
          if (keys.length > 0) this.trace.world('store', `the session of ${nodeOf(owner)} ends`);
          for (const key of keys) this.state.vanished(key);
        },
      },
    });
    const oldCopies = new OldCopies({ clock, violated, mayRunOn: (name) => this.#mayKeepOldCopies(name) });
    this.guests = new Guests({
      trace: this.trace,
      nowMs: () => clock.monotonicMs(),
      violated,
      several: (guest) => oldCopies.look(guest),
    });
    this.storage = new Storage({ trace: this.trace, guests: this.guests, clock });
    for (const node of description.nodes) {
      this.cluster.link(ownerOf(node.name)).setLatency(description.store.latencyMs);
      this.nodes.set(node.name, new SimNode(this, node, this.#plant, this.random.fork()));
    }
    this.#setUp = this.#makeCluster();
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  node(name: string): SimNode {
    const found = this.nodes.get(name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  }

  hypervisorAt(address: string): Hypervisor | undefined {
    return [...this.nodes.values()].find(({ description }) => description.address === address)?.hypervisor;
  }

  violated(rule: string, text: string): void {
    this.violations.push({ atMs: this.nowMs, rule, text });
    this.trace.world('', `VIOLATION ${rule}: ${text}`);
  }

  addressChanged(node: string, address: string, held: boolean, why: string): void {
    if (address !== this.description.floating) return;
    if (held) this.holders.add(node);
    else this.holders.delete(node);
    this.trace.world(node, held ? 'holds the floating address' : `holds the floating address no more (${why})`);
    if (this.holders.size > 1)
      this.violated('two-holders', `${[...this.holders].sort().join(' and ')} hold the floating address`);
  }

  /** Calls it when everything is healed. */
  onHeal(disarm: () => void): void {
    this.#disarm.add(disarm);
  }

  disarm(): void {
    for (const disarm of this.#disarm) disarm();
    this.#disarm.clear();
  }

  /** A node acts as primary from now on. */
  takeDuty(node: string, term: number): void {
    this.trace.world(node, `acts as primary of term ${term}`);
    this.rules.takesDuty(node, this.#onDuty, (other) => this.#standsStill(other));
    this.#onDuty.add(node);
  }

  /** It does, or has only just gone on and cannot have dropped anything yet. */
  #standsStill(name: string): boolean {
    const node = this.node(name);
    return node.life?.paused === true || this.nowMs - node.stoodStillMs < 500;
  }

  /** Nothing on the node could end an old copy now, or nobody wants it to. */
  #mayKeepOldCopies(name: string): boolean {
    const { life, api, hypervisor, stoodStillMs } = this.node(name);
    const liveness = api?.program.liveness;
    return (
      this.storage.deceives ||
      life === undefined ||
      life.paused ||
      hypervisor.libvirtd !== 'up' ||
      this.nowMs - stoodStillMs < recoverMs ||
      liveness === undefined ||
      this.description.isolation === 'keep' ||
      liveness.policy === 'maintenance' ||
      liveness.loss?.finding === 'outage'
    );
  }

  dropDuty(node: string): void {
    if (this.#onDuty.delete(node)) this.trace.world(node, 'acts as primary no more');
  }

  get onDuty(): ReadonlySet<string> {
    return this.#onDuty;
  }

  /** Switches all nodes on. */
  async start(): Promise<void> {
    await this.#setUp;
    for (const node of this.nodes.values()) await node.powerOn(this.random.ms(0, 500));
  }

  /** Lets time pass up to a moment, or until `enough` says so after an event, or a rule is broken. */
  async run(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    await this.clock.advanceTo(untilMs, () => this.violations.length > 0 || enough());
  }

  /** The documents that `pvc cluster init` and `pvc node join` leave behind, and the guests. */
  async #makeCluster(): Promise<void> {
    const { nodes, guests, rules, fencing, isolation, floating } = this.description;
    const store = this.cluster.open('init');
    const createdMs = this.clock.wallMs();
    const writes: Write[] = [
      {
        do: 'create',
        kind: clusterKind,
        id: clusterId,
        spec: {
          name: 'sim',
          createdMs,
          maintenance: false,
          // Agreed on long ago, when the last of its nodes was updated.
          shapes: { [fenceKind.name]: fenceKind.version },
          ...(fencing === undefined ? {} : { fencing }),
          ...(isolation === undefined ? {} : { isolation }),
          networks: { cluster: { cidr: '10.0.1.0/24', ...(floating === undefined ? {} : { floating }) } },
        },
      },
      ...nodes.map(
        ({ name, role, address, bmc }): Write => ({
          do: 'create',
          kind: nodeKind,
          id: name,
          spec: { role, domainState: 'ready', address, ...(bmc ? { bmc: bmcAt(`bmc-${name}`) } : {}) },
        }),
      ),
      ...guests.map((guest) => guestWrite(guest, this.random)),
      ...rules.map(({ name, ...spec }): Write => ({ do: 'create', kind: vmRule, id: name, spec })),
      ...nodes
        .filter(({ bmc }) => bmc)
        .map(({ name: id }): Write => ({ do: 'create', kind: bmcSecret, id, spec: { password: 'secret' } })),
    ];
    for (const [index, guest] of guests.entries()) {
      const write = writes[1 + nodes.length + index];
      if (write?.do !== 'create') continue;
      const truth = this.guests.of(write.id, guest.name);
      truth.habits = { shutdownMs: guest.shutdownMs, bootMs: guest.bootMs };
    }
    const { ops } = new Documents(store).commitOf(writes);
    const seen = this.#plant.seen(ops);
    for (let from = 0; from < seen.length; from += 400) await store.commit(seen.slice(from, from + 400));
    this.state.done(ops.filter((op) => !seen.includes(op)));
    await store.close();
  }
}
