/**
 * The store in memory, for tests and the simulator: one shared state, as many sessions as wanted, faults on
 * demand, all on the given clock.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import { MemoryServer } from './memory-server.ts';
import { MemoryStore } from './memory-store.ts';
import type { Store } from './store.ts';

export type { MemoryClusterOptions } from './memory-server.ts';

export class MemoryCluster extends MemoryServer {
  /**
   * A store under this name. An older one of the same name loses its session at once, for good.
   * @throws PvcError STORE_UNAVAILABLE when the link of that name is cut or the cluster is down
   */
  open(name: string): MemoryStore {
    return new MemoryStore(this, name, this.link(name));
  }
}

/** A store shared with nobody, for tests that need just one. */
export function createMemoryStore(clock: Clock): Store {
  return new MemoryCluster({ clock }).open('only');
}
