/** What a daemon is given by whoever starts it, and what it gives to whoever serves its API. @module */
import type { Door } from '../cluster/fence/silence.ts';
import type { Peers } from '../cluster/isolation/ask-coordinators.ts';
import type { Reach } from '../cluster/isolation/finding.ts';
import type { RemoveParts } from '../cluster/remove-node.ts';
import type { FaultBook } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import type { Executor, RemoteNodes } from '../operation/execute.ts';
import type { Program } from '../program.ts';
import type { Documents } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import type { EarlyServices } from './early-services.ts';

/** What the daemon gives to whoever serves the API. */
export interface ApiParts {
  readonly host: Host;
  readonly program: Program;
  readonly executor: Executor;
  readonly documents: Documents;
  readonly faults: FaultBook;
  readonly node: string;
  readonly metrics: () => Promise<string>;
  /** What this node tells others of its way to the store. */
  readonly reach: () => Reach;
}

export interface ApiServer {
  close(): Promise<void>;
}

export interface DaemonOptions {
  readonly host: Host;
  readonly program: Program;
  /** The node's name: configured, or the host name. */
  readonly node: string;
  /** Opens the store under a name that only this node's daemon uses. */
  readonly openStore: (owner: string) => Promise<Store>;
  /** Services that run before the store can be reached. */
  readonly early?: EarlyServices;
  /** The ZooKeeper servers and the secret that opens them; undefined where the state is elsewhere. */
  readonly ensemble?: RemoveParts['ensemble'];
  /** How other nodes are asked. */
  readonly remote?: (documents: Documents) => RemoteNodes;
  /** How the coordinators are asked whether they reach the store, and machines whether they are there at all. */
  readonly peers: Peers & Door;
  /** Starts the API; called once everything it shows is there. */
  readonly serve: (parts: ApiParts) => Promise<ApiServer>;
  /** True where systemd is PID 1. */
  readonly systemd: boolean;
}
