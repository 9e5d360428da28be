/** Bugs that are planted into the world around the daemons, to see that the simulator finds them. @module */
import { termKey } from '../../core/cluster/primary.ts';
import type { Host } from '../../core/host/host.ts';
import type { Op } from '../../core/store/store.ts';
import type { StoreHooks } from './life-store.ts';
import type { World } from './world.ts';

export interface Plant {
  readonly name: string;
  readonly summary: string;
  /** The operating system as the daemon has it. */
  host(host: Host, world: World): Host;
  /** What stands between a daemon and the store. */
  store(world: World): StoreHooks;
  /** Of the documents that there are at first, those that daemons come to see. */
  seen(ops: readonly Op[]): readonly Op[];
}

/** No bug but the daemon's own. */
export const nothingPlanted: Plant = {
  name: 'none',
  summary: 'nothing is planted',
  host: (host) => host,
  store: () => ({ commit: (ops, go) => go(ops), tells: () => true, lease: (untilMs) => untilMs }),
  seen: (ops) => ops,
};

/** What the store is made to do instead of what was asked. */
const bugInStore = (name: string, summary: string, store: (world: World) => Partial<StoreHooks>): Plant => ({
  ...nothingPlanted,
  name,
  summary,
  store: (world) => ({ ...nothingPlanted.store(world), ...store(world) }),
});

/** Leaves operations out, and remembers what was asked for. */
const without =
  (world: World, left: (op: Op) => boolean): StoreHooks['commit'] =>
  (ops, go) => {
    const rest = ops.filter((op) => !left(op));
    world.rules.asked.set(rest, ops);
    return go(rest);
  };

export const plants: readonly Plant[] = [
  bugInStore('late-write', 'the primary writes without looking at its term', (world) => ({
    commit: without(world, (op) => op.op === 'check' && op.key === termKey),
  })),
  bugInStore('unbooked', 'placements do not see each other', (world) => ({
    commit: without(world, (op) => op.key.startsWith('/booking/')),
  })),
  bugInStore('swallowed', 'a lost answer is taken for success', () => ({
    async commit(ops, go) {
      const result = await go(ops);
      return result.outcome === 'unknown' ? { outcome: 'ok' } : result;
    },
  })),
  bugInStore('unfenced', 'a node is taken to be shut out of the storage, and is not', (world) => {
    world.storage.deceives = true;
    return {};
  }),
  bugInStore('misread', 'a machine is read as off, and is on', (world) => {
    for (const { bmc } of world.nodes.values()) if (bmc !== undefined) bmc.deceives = true;
    return {};
  }),
  bugInStore('toothless', 'a watchdog that is not fed resets nothing', (world) => {
    for (const { machine } of world.nodes.values()) machine.watchdogs.expire = () => {};
    return {};
  }),
  bugInStore('endless-lease', 'the lease is taken to hold longer than it does', () => ({
    lease: (untilMs) => untilMs + 10_000,
  })),
  bugInStore('deaf', 'changes of the store are not told', () => ({ tells: ({ resync }) => resync })),
  {
    ...nothingPlanted,
    name: 'lawless',
    summary: 'rules for where guests run are not seen',
    seen: (ops) => ops.filter((op) => !op.key.startsWith('/vm-rule/')),
  },
  {
    ...nothingPlanted,
    name: 'lingering',
    summary: 'a node that is cut off does not end what may go on elsewhere',
    seen: (ops) =>
      ops.map((op) =>
        op.op === 'create' && op.key === '/cluster/cluster/spec'
          ? { ...op, value: op.value.replace('"maintenance":false', '"maintenance":false,"isolation":"keep"') }
          : op,
      ),
  },
  {
    ...nothingPlanted,
    name: 'address-late',
    summary: 'an address is said to be taken off before it is',
    host: (host, world) => ({
      ...host,
      processes: {
        ...host.processes,
        async exec(argv, options) {
          const told = options?.input;
          if (argv[0] !== 'ip' || typeof told !== 'string' || !told.includes('addr del'))
            return host.processes.exec(argv, options);
          world.clock.after(2_000, () => void host.processes.exec(argv, options));
          return { code: 0, signal: null, stdout: '', stderr: '' };
        },
      },
    }),
  },
];
