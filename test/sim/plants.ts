/** Bugs that are planted into the world around the daemons, to see that the simulator finds them. @module */
import type { Host } from '../../core/host/host.ts';
import type { StoreHooks } from './life-store.ts';
import type { World } from './world.ts';

export interface Plant {
  readonly name: string;
  readonly summary: string;
  /** The operating system as the daemon has it. */
  host(host: Host, world: World): Host;
  /** What stands between a daemon and the store. */
  store(world: World): StoreHooks;
}

/** No bug but the daemon's own. */
export const nothingPlanted: Plant = {
  name: 'none',
  summary: 'nothing is planted',
  host: (host) => host,
  store: () => ({ commit: (ops, go) => go(ops), tells: () => true }),
};
