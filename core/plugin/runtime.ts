/** What a plugin gets of the running daemon, in its `start` hook. @module */
import type { FaultBook } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import type { MutationAnswer } from '../operation/execute.ts';
import type { ServiceDefinition, ServiceStatus } from '../service/service.ts';
import type { Documents, Write } from '../store/documents.ts';
import type { NodePower } from './power.ts';

/** An address on a device of this node. */
export interface LeasedAddress {
  readonly device: string;
  /** With the length of its network: `10.20.0.1/24`. */
  readonly address: string;
}

/**
 * What keeps addresses silent, in words of nft(8): tables of their own with sets whose elements run out, as one thing to be
 * renewed for all addresses. Without those elements nobody hears of the addresses, though the kernel has them.
 */
export interface Muzzle {
  /** Family and name of each table: `inet pvc_gateways`. Nobody else has anything in them. */
  readonly tables: readonly string[];
  /** The tables for these addresses, as a whole, without the elements that run out. */
  rules(addresses: readonly LeasedAddress[]): string;
  /** The lines by which the addresses are heard of for so many milliseconds from now on, whatever time was left. */
  life(ms: number): string;
}

export interface Runtime {
  readonly host: Host;
  /** The name of this node. */
  readonly node: string;
  readonly documents: Documents;
  readonly faults: Pick<FaultBook, 'raise' | 'clear'>;
  /** The plugin's section of the configuration, as its schema gave it. */
  section(plugin: string): unknown;
  readonly directories: { readonly state: string; readonly run: string; readonly log: string };
  /** Files of this node's certificate, by which the members of the cluster know each other; undefined on a node without one. */
  readonly certificates: { readonly authority: string; readonly certificate: string; readonly key: string } | undefined;
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal;
  readonly isPrimary: () => boolean;
  /** This node has lost the store, which others may still reach: nothing is to be started that may go on elsewhere. */
  readonly mayBeCutOff: () => boolean;
  /** The power of nodes, through their BMCs. For the primary: other nodes may have no way to the BMCs. */
  readonly power: NodePower;
  /** Makes the controllers of that kind look at the object now. */
  touch(kind: string, id: string): void;
  /**
   * Writes documents, all or nothing; what changed since it was read is a conflict. What only the primary may write
   * is written `asPrimary`: it is refused when another node has become primary meanwhile. What takes something away from
   * a dead node is written `whileDead`: it is refused when the daemon of that node is back. What opens a fence of a node
   * whose session has not ended, but whose machine is off, is written `asDead`: the daemon is not announced any more.
   * @throws PvcError OBJECT_CHANGED, NOT_PRIMARY, NODE_BACK (nothing was written), STORE_UNKNOWN
   */
  write(
    writes: readonly Write[],
    options?: { readonly asPrimary?: boolean; readonly whileDead?: string; readonly asDead?: string },
  ): Promise<void>;
  /**
   * Carries out an operation in the name of PVC itself, with its audit record, as a caller would.
   * @throws PvcError what the operation refuses
   */
  perform(operation: string, input: unknown): Promise<MutationAnswer>;
  /**
   * Asks a query in the name of PVC itself; another node, where it is that node's to answer.
   * @throws PvcError NODE_UNREACHABLE and what the query throws
   */
  ask(operation: string, input: unknown, signal: AbortSignal): Promise<unknown>;
  /**
   * Addresses that this node has only while it is primary, set anew every second with a life time that ends before
   * its lease does: whatever becomes of the daemon, the kernel takes them off before another node can be primary. One
   * set for each name (a-z and "-"), which is taken off at the start of the next life of the daemon as well.
   *
   * With a `muzzle` they are set once, and it is renewed in place of each: the node that stands still keeps them, and
   * is silent about them. So for many: to set an address anew wakes whoever listens to the kernel for addresses.
   */
  leaseAddresses(set: {
    readonly name: string;
    /** What is to be set now; asked each second. The device of one may be away: it is tried again. */
    readonly wanted: () => Promise<readonly LeasedAddress[]>;
    /** Tells the neighbours of those that were not here before; called three times for each, a second apart. */
    readonly announce: (news: readonly LeasedAddress[]) => Promise<void>;
    /** Why some could not be set; undefined: all is well. */
    readonly trouble: (reason: string | undefined) => void;
    readonly muzzle?: Muzzle;
  }): {
    /** Those that are set. */
    readonly held: readonly LeasedAddress[];
    /** Sets them and keeps them until `drop`; resolves once they are set. For the hook `becomePrimary`. */
    take(): Promise<void>;
    /** What is wanted has changed: done now, where they are taken. */
    refresh(): Promise<void>;
    /** Takes them off; not having them is fine. @throws Error when one is still there */
    drop(): Promise<void>;
  };
  /** Has a service started and kept running; it goes on when the daemon stops. */
  supervise(service: ServiceDefinition): {
    status(): ServiceStatus;
    /** Ends it, so that it is started again with its new settings. */
    restart(): Promise<void>;
    /** Ends it and keeps it running no more. @throws Error when it does not end within a minute; it may be asked again */
    end(): Promise<void>;
  };
}
