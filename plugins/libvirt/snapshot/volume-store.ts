/** What snapshots of guests, and their copies elsewhere, need of a storage: plugins of storage give theirs through the hook `libvirt.volumes`. @module */
import { type FoldHook, type PlanBuilder, type PlanContext, type Write, z } from '../../../core/plugin/api.ts';

/** What one copy of a volume is: all that it held in a snapshot, or what was new in it since an earlier one. */
export interface CopyHead {
  /** The snapshot, as the storage calls it. */
  readonly snapshot: string;
  /** Undefined: it holds everything. */
  readonly since: string | undefined;
  /** Of the volume, as it was in the snapshot. */
  readonly sizeBytes: number;
}

/** Forms of disk images in files, in `qemu-img`'s words. */
export const diskForm = z.enum(['raw', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc']);
export type DiskForm = z.infer<typeof diskForm>;

/** What a new volume holds at first. A clone of a snapshot shares with it all that neither writes. */
export type Origin =
  | { readonly from: 'nothing' }
  | { readonly from: 'snapshot'; readonly volume: string; readonly snapshot: string }
  | { readonly from: 'bytes'; readonly bytes: Uint8Array }
  /** A disk image in a file of this node. It may be smaller than the volume. Its form is found out unless it is said. */
  | { readonly from: 'file'; readonly path: string; readonly form?: DiskForm };

/** Every act may be done again; each rejects in the words of the storage. */
export interface VolumeStore {
  /** Whether a volume, POOL/NAME, lies in it. */
  has(volume: string): Promise<boolean>;
  /** As the volume is now. One of that name that is there already stays. */
  snapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;
  /** Rejects when the volume cannot be made what it was in the snapshot: one of both is gone, or it is in use. */
  needRollBack(volume: string, snapshot: string): Promise<void>;
  /** Makes the volume what it was: what was written since is lost. */
  rollBack(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;
  removeSnapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;

  /** The form of what `give` gives and `make` takes, one word: only storages of one form take each other's copies. */
  readonly form: string;
  /** Whether new volumes can be made in a pool. */
  hasPool(pool: string): Promise<boolean>;
  /**
   * What must be known to copy a volume as of a snapshot: its size then, how many bytes the copy takes at most, and what
   * else makes the volume what it is, as JSON that is for `planMake` alone.
   */
  describe(
    volume: string,
    copy: Omit<CopyHead, 'sizeBytes'>,
    signal: AbortSignal,
  ): Promise<{ readonly sizeBytes: number; readonly bytes: number; readonly settings: unknown }>;
  /** Gives a copy, piece by piece: the next one when `take` resolves. */
  give(
    volume: string,
    copy: Omit<CopyHead, 'sizeBytes'>,
    take: (piece: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Gives all bytes of a volume as of a snapshot, in order, those that nobody has written as zeros. */
  read(
    volume: string,
    snapshot: string,
    take: (piece: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** What is wrong when these first bytes (4 KiB, or all there are) are to be those of that copy. Pure. */
  headProblem(bytes: Uint8Array, copy: CopyHead): string | undefined;
  /**
   * Plans the documents of volumes that `make` will fill, so that nobody takes their names meanwhile. Rejects when a pool
   * is not there or has no room for all of them, a name is taken, or `settings` cannot be taken.
   * @param force even if a pool could run full
   * @returns their ids, in order
   */
  planMake(
    plan: PlanBuilder,
    context: PlanContext,
    volumes: readonly { readonly volume: string; readonly sizeBytes: number; readonly settings: unknown }[],
    force: boolean,
  ): Promise<string[]>;
  /**
   * As `planMake`, for volumes that `makeFrom` will fill. What a clone shares with its origin counts as its own: it
   * may come to be written.
   */
  planNew(
    plan: PlanBuilder,
    context: PlanContext,
    volumes: readonly { readonly volume: string; readonly sizeBytes: number }[],
    force: boolean,
  ): Promise<string[]>;
  /**
   * Plans that a volume goes, with its snapshots and all that is in it: from then on nobody can refer to it. One whose making or
   * removal was given up can be removed as well. Rejects when it is not there, others are clones of it, or one of its
   * snapshots must stay.
   * @param snapshot one of which the plan takes away what needs it
   */
  planRemove(plan: PlanBuilder, context: PlanContext, volume: string, snapshot?: string): Promise<void>;
  /** Looks at a disk image in a file of this node: its size as a guest sees it. Rejects when it cannot become a volume. */
  inspect(path: string, form?: DiskForm): Promise<{ readonly sizeBytes: number; readonly form: DiskForm }>;
  /** Rejects when something has taken the place of a planned volume that is nobody's to overwrite. Before the first `make`. */
  needFree(id: string): Promise<void>;
  /** Makes a planned volume of copies, each on top of the one before. What an earlier try has left is replaced. */
  make(
    id: string,
    copies: readonly (CopyHead & { open(): AsyncIterable<Uint8Array> })[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes a planned volume of its planned size. @param again whether an earlier try may have left something, which is replaced */
  makeFrom(id: string, origin: Origin, how: { readonly again: boolean; readonly signal: AbortSignal }): Promise<void>;
  /**
   * How QEMU's tools on this node open a volume that `makeFrom` has made, to write to it: options of QEMU's block layer
   * (QAPI, BlockdevOptions). They go into an argument, so they hold no secrets.
   */
  blockOptions(id: string): Promise<Readonly<Record<string, unknown>>>;
  /** What must be written for a volume that is filled to be one that guests may have; undefined when it is one already. */
  made(id: string): Promise<Write | undefined>;
  /** Takes a planned volume back, unless it is one that guests may have. @param begun whether `make` may have begun */
  unmake(id: string, begun: boolean): Promise<void>;
}

const verbs = [
  ...(['has', 'snapshot', 'needRollBack', 'rollBack', 'removeSnapshot'] as const),
  ...([
    'hasPool',
    'describe',
    'give',
    'read',
    'headProblem',
    'planMake',
    'planNew',
    'planRemove',
    'inspect',
    'needFree',
    'make',
    'makeFrom',
    'blockOptions',
    'made',
    'unmake',
  ] as const),
];

/** What the hook `libvirt.volumes` hands over besides the names of the storages: the place for what is no data. */
export interface VolumeStoreAbout {
  /** @throws TypeError for what is no volume store */
  add(store: VolumeStore): void;
}

export type VolumeStoreHook = FoldHook<readonly string[], VolumeStoreAbout>;

export const wordsProblem = (value: unknown): string | undefined =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
    ? undefined
    : 'something that is no list of words';

/** The storages of all plugins. @throws Error of a built-in plugin */
export async function volumeStores(hook: VolumeStoreHook): Promise<readonly VolumeStore[]> {
  const stores: VolumeStore[] = [];
  await hook.call([], {
    add(store) {
      const missing = verbs.find((verb) => typeof (store as Partial<VolumeStore> | undefined)?.[verb] !== 'function');
      if (missing !== undefined) throw new TypeError(`a volume store without the verb ${missing}`);
      if (typeof (store as Partial<VolumeStore>).form !== 'string')
        throw new TypeError('a volume store without a form');
      stores.push(store);
    },
  });
  return stores;
}

/** The pool of a volume, POOL/NAME. */
export const poolOf = (volume: string): string => volume.split('/')[0] ?? '';

/** The storage that has the pool of a volume, if any does. @param form of copies that it must take; any unless given */
export async function storeFor(
  stores: readonly VolumeStore[],
  { volume, form }: { readonly volume: string; readonly form?: string },
): Promise<VolumeStore | undefined> {
  for (const store of stores)
    if ((form === undefined || store.form === form) && (await store.hasPool(poolOf(volume)))) return store;
  return undefined;
}

/** The storage that has the pool of a volume. @param lost what to throw when none does, by the name of the pool */
export async function needStore(
  hook: VolumeStoreHook,
  one: Parameters<typeof storeFor>[1],
  lost: (pool: string) => Error,
): Promise<VolumeStore> {
  const store = await storeFor(await volumeStores(hook), one);
  if (store === undefined) throw lost(poolOf(one.volume));
  return store;
}

/** The storage that knows a volume, if any does. */
export async function storeKnowing(stores: readonly VolumeStore[], volume: string): Promise<VolumeStore | undefined> {
  for (const store of stores) if (await store.has(volume)) return store;
  return undefined;
}

/**
 * Plans volumes, all of a storage at once: it has to see whether there is room for them together.
 * @param storeOf the storage of a volume; rejects where there is none, before anything is planned
 * @param planIn plans those of one storage @returns their ids, in order
 * @returns the ids by volume as it was given
 */
export async function planInStores<V>(
  volumes: readonly V[],
  storeOf: (volume: V) => Promise<VolumeStore>,
  planIn: (store: VolumeStore, some: readonly V[]) => Promise<readonly string[]>,
): Promise<ReadonlyMap<V, string>> {
  const byStore = new Map<VolumeStore, V[]>();
  for (const volume of volumes) {
    const store = await storeOf(volume);
    byStore.set(store, [...(byStore.get(store) ?? []), volume]);
  }
  const ids = new Map<V, string>();
  for (const [store, some] of byStore) {
    const planned = await planIn(store, some);
    for (const [at, volume] of some.entries()) ids.set(volume, planned[at] ?? '');
  }
  return ids;
}
