/**
 * Typed documents on a store: reads objects of a kind, and turns planned writes into one commit with
 * the version checks and uniqueness claims that make it safe.
 * @module
 */
import { type Carried, decodeDocument, encodeDocument, type ForeignField } from '../model/document-text.ts';
import { type AnyKind, type Doc, type Kind, modelError, notFound } from '../model/kind.ts';
import { Shapes } from '../model/shapes.ts';
import { TextMemo } from '../model/text-memo.ts';
import type { Entry, Key, Op, Store, Topic } from './store.ts';

/** A change of one object, as plans hold it. `before` is the object as the planner read it. */
export type Write =
  | {
      readonly do: 'create';
      readonly kind: AnyKind;
      readonly id: string;
      readonly spec: unknown;
      readonly status?: unknown;
    }
  | { readonly do: 'spec'; readonly kind: AnyKind; readonly before: AnyDoc; readonly spec: unknown }
  | { readonly do: 'status'; readonly kind: AnyKind; readonly before: AnyDoc; readonly status: unknown }
  | { readonly do: 'remove'; readonly kind: AnyKind; readonly before: AnyDoc }
  /** Nothing is written, but the commit fails if the object is no longer as it was read. */
  | { readonly do: 'unchanged'; readonly kind: AnyKind; readonly before: AnyDoc }
  /** Written as it was: whoever takes it away in the same moment fails, and plans again with this commit in view. */
  | { readonly do: 'touch'; readonly kind: AnyKind; readonly before: AnyDoc };

// oxlint-disable-next-line typescript/no-explicit-any -- documents of every shape pass through here
export type AnyDoc = Doc<any, any>;

export const specKey = (kind: AnyKind, id: string): Key => `/${kind.name}/${id}/spec`;
export const statusKey = (kind: AnyKind, id: string): Key => `/${kind.name}/${id}/status`;

/** Of each kind, in characters of ids: objects are looked at each minute, most of them to find them as they were. */
const mostIds = 2 ** 17;
const rememberedKeys = new WeakMap<AnyKind, TextMemo<readonly [Key, Key]>>();

/** Both keys of an object: made anew for every look, each would be built and hashed again. */
function keysOf(kind: AnyKind, id: string): readonly [Key, Key] {
  let memo = rememberedKeys.get(kind);
  if (memo === undefined) {
    memo = new TextMemo(mostIds);
    rememberedKeys.set(kind, memo);
  }
  return memo.get(id, () => [specKey(kind, id), statusKey(kind, id)]);
}

/** Characters that a key may not hold become `_xx`; `_` itself too, so that two values never share a key. */
const claimSegment = (value: string): string =>
  `v${value.replace(/[^A-Za-z0-9.:@+-]/gu, (char) => [...new TextEncoder().encode(char)].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''))}`;

const claimKey = (kind: AnyKind, index: string, value: string): Key =>
  `/claim/${kind.name}.${index}/${claimSegment(value)}`;

/**
 * Exists as long as this life of the object. Versions begin anew with each life, so without it a write planned on an
 * object that was removed and made again meanwhile could pass for one on its successor.
 */
const lifeKey = (kind: AnyKind, id: string, life: string): Key => `/life/${kind.name}/${id}.${life}`;

/** Below it, the ids of the objects of a kind that concern a node. */
const atPrefix = (kind: AnyKind, node: string): Key => `/at/${node}/${kind.name}`;

const stamp = (birth: string, specVersion: number, statusVersion: number | undefined): string =>
  `${birth}.${specVersion}.${statusVersion ?? '-'}`;

/** The same word for an object as `Documents.stampsOf` has. */
export const stampOf = ({ birth, specVersion, statusVersion }: AnyDoc): string =>
  stamp(birth, specVersion, statusVersion);

const foreignFields = new WeakMap<object, readonly ForeignField[]>();
/** Shapes of those that were written by a newer PVC. */
const newerShapes = new WeakMap<object, number>();

/** What a half of an object carries besides its value, and must be written back with it. */
function kept(before: AnyDoc, half: 'spec' | 'status'): Carried {
  const value: unknown = before[half];
  const foreign = value !== null && typeof value === 'object' ? foreignFields.get(value) : undefined;
  return {
    ...(foreign === undefined ? {} : { foreign }),
    ...(half === 'status' || before.life === undefined ? {} : { life: before.life }),
  };
}

/** @throws PvcError DOCUMENT_NEWER: written back, it would lose what is not understood here */
function refuseNewer(kind: AnyKind, id: string, value: unknown): void {
  const shape = value !== null && typeof value === 'object' ? newerShapes.get(value) : undefined;
  if (shape !== undefined) throw modelError('DOCUMENT_NEWER', { kind: kind.name, id, shape, known: kind.version });
}

export class Documents {
  readonly store: Store;
  /** Which shapes may be written; whoever reads the cluster's document tells it. */
  readonly shapes = new Shapes();
  /** Objects that could not be understood at the last reading, by `kind/id`: shown as faults, never dropped in silence. */
  readonly unreadable = new Map<string, Error>();

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * Store operations and wake-ups for a list of writes, in the shapes that may be written. Every document is checked against
   * its kind. @throws PvcError DOCUMENT_INVALID, DOCUMENT_NEWER, DOCUMENT_HELD_BACK
   */
  commitOf(writes: readonly Write[]): { ops: Op[]; topics: Topic[] } {
    return commitOf(writes, this.shapes, () => this.store.freshWord());
  }

  /** @throws PvcError STORE_UNAVAILABLE, DOCUMENT_UNREADABLE */
  async get<S, T>(kind: Kind<S, T>, id: string): Promise<Doc<S, T> | undefined> {
    const [spec, status] = await this.store.readMany(keysOf(kind, id));
    return spec === undefined ? undefined : this.#decode<S, T>(kind, id, spec, status);
  }

  /** As `get`, but an object that does not exist is an error. @throws PvcError OBJECT_NOT_FOUND */
  async need<S, T>(kind: Kind<S, T>, id: string): Promise<Doc<S, T>> {
    const doc = await this.get(kind, id);
    if (doc === undefined) throw notFound(kind, id);
    return doc;
  }

  /** Every object of a kind, by id. Those that cannot be understood are left out and noted in `unreadable`. */
  async list<S, T>(kind: Kind<S, T>): Promise<Doc<S, T>[]> {
    const entries = await this.store.list(`/${kind.name}`);
    const byId = new Map<string, { spec?: Entry; status?: Entry }>();
    for (const entry of entries) {
      const [, , id, half, rest] = entry.key.split('/');
      if (id === undefined || rest !== undefined || (half !== 'spec' && half !== 'status')) continue;
      const pair = byId.get(id) ?? {};
      pair[half] = entry;
      byId.set(id, pair);
    }
    for (const name of this.unreadable.keys())
      if (name.startsWith(`${kind.name}/`) && !byId.has(name.slice(kind.name.length + 1))) this.unreadable.delete(name);
    return [...byId].flatMap(([id, pair]) => this.#understood<S, T>(kind, id, pair.spec, pair.status));
  }

  /** Ids of all objects of a kind, without reading them. */
  ids(kind: AnyKind): Promise<string[]> {
    return this.store.children(`/${kind.name}`);
  }

  /** Ids of the objects of a kind that concern a node, without reading those of others. */
  idsAt(kind: AnyKind, node: string): Promise<string[]> {
    return this.store.children(atPrefix(kind, node));
  }

  /**
   * A word for each object, in their order, that differs as soon as the object does (`stampOf`), without understanding any;
   * undefined: it does not exist.
   */
  async stampsOf(objects: readonly (readonly [AnyKind, string])[]): Promise<(string | undefined)[]> {
    if (objects.length === 0) return [];
    const halves = await this.store.readMany(objects.flatMap(([kind, id]) => keysOf(kind, id)));
    return objects.map((_, index) => {
      const spec = halves[2 * index];
      return spec === undefined ? undefined : stamp(spec.birth, spec.version, halves[2 * index + 1]?.version);
    });
  }

  /** The objects of a kind that concern a node, by id; those that cannot be understood are left out and noted. */
  async listAt<S, T>(kind: Kind<S, T>, node: string): Promise<Doc<S, T>[]> {
    const ids = await this.idsAt(kind, node);
    if (ids.length === 0) return [];
    const halves = await this.store.readMany(ids.flatMap((id) => keysOf(kind, id)));
    return ids.flatMap((id, index) => this.#understood<S, T>(kind, id, halves[2 * index], halves[2 * index + 1]));
  }

  /** The id that holds a unique value (`find(vm, 'name', 'web1')`). */
  async find(kind: AnyKind, index: string, value: string): Promise<string | undefined> {
    return (await this.store.read(claimKey(kind, index, value)))?.value;
  }

  /** One object or none: what cannot be understood is noted in `unreadable` until it can be. */
  #understood<S, T>(kind: Kind<S, T>, id: string, spec: Entry | undefined, status: Entry | undefined): Doc<S, T>[] {
    const name = `${kind.name}/${id}`;
    this.unreadable.delete(name);
    if (spec === undefined) return [];
    try {
      return [this.#decode<S, T>(kind, id, spec, status)];
    } catch (error) {
      this.unreadable.set(name, error as Error);
      return [];
    }
  }

  #decode<S, T>(kind: Kind<S, T>, id: string, spec: Entry, status: Entry | undefined): Doc<S, T> {
    const specDoc = decodeDocument<S>(kind, 'spec', id, spec.value);
    const statusDoc = status === undefined ? undefined : decodeDocument<T>(kind, 'status', id, status.value);
    if (specDoc.foreign.length > 0) foreignFields.set(specDoc.value as object, specDoc.foreign);
    if (statusDoc !== undefined && statusDoc.foreign.length > 0)
      foreignFields.set(statusDoc.value as object, statusDoc.foreign);
    for (const half of [specDoc, statusDoc])
      if (half !== undefined && half.shape > kind.version && half.value !== null)
        newerShapes.set(half.value as object, half.shape);
    return {
      id,
      spec: specDoc.value,
      specVersion: spec.version,
      birth: spec.birth,
      ...(specDoc.life === undefined ? {} : { life: specDoc.life }),
      status: statusDoc?.value,
      statusVersion: status?.version,
    };
  }
}

/** Pure but for `newLife`, which gives each new object a word that no other has. */
function commitOf(writes: readonly Write[], shapes: Shapes, newLife: () => string): { ops: Op[]; topics: Topic[] } {
  const ops: Op[] = [];
  const lives: Op[] = [];
  const topics = new Set<Topic>();
  const wake = (kind: AnyKind, id: string, spec: unknown, status: unknown): void => {
    for (const node of concernedBy(kind, id, spec, status)) topics.add(`node:${node}`);
  };
  for (const write of writes) {
    const { kind } = write;
    const id = write.do === 'create' ? write.id : write.before.id;
    const before = write.do === 'create' ? undefined : write.before;
    if (before !== undefined) wake(kind, id, before.spec, before.status);
    if (before?.life !== undefined) {
      const key = lifeKey(kind, id, before.life);
      lives.push(write.do === 'remove' ? { op: 'delete', key, version: 0 } : { op: 'check', key, version: 0 });
    }
    switch (write.do) {
      case 'create': {
        kind.id.parse(id);
        const life = newLife();
        lives.push({ op: 'create', key: lifeKey(kind, id, life), value: '1' });
        ops.push({
          op: 'create',
          key: specKey(kind, id),
          value: encodeDocument(kind, 'spec', id, write.spec, shapes.of(kind), { life }),
        });
        if (write.status !== undefined)
          ops.push({
            op: 'create',
            key: statusKey(kind, id),
            value: encodeDocument(kind, 'status', id, write.status, shapes.of(kind)),
          });
        ops.push(...claimOps(kind, id, undefined, kind.spec.parse(write.spec), undefined, write.status));
        wake(kind, id, write.spec, write.status);
        break;
      }
      case 'spec':
        refuseNewer(kind, id, write.before.spec);
        ops.push({
          op: 'put',
          key: specKey(kind, id),
          value: encodeDocument(kind, 'spec', id, write.spec, shapes.of(kind), kept(write.before, 'spec')),
          version: write.before.specVersion,
        });
        ops.push(
          ...claimOps(
            kind,
            id,
            write.before.spec,
            kind.spec.parse(write.spec),
            write.before.status,
            write.before.status,
          ),
        );
        wake(kind, id, write.spec, write.before.status);
        break;
      case 'status': {
        refuseNewer(kind, id, write.before.status);
        const value = encodeDocument(kind, 'status', id, write.status, shapes.of(kind), kept(write.before, 'status'));
        const key = statusKey(kind, id);
        // A status must never outlive its object: the check fails when it was removed meanwhile.
        ops.push({ op: 'check', key: specKey(kind, id), version: write.before.specVersion });
        ops.push(
          write.before.statusVersion === undefined
            ? { op: 'create', key, value }
            : { op: 'put', key, value, version: write.before.statusVersion },
        );
        ops.push(...claimOps(kind, id, write.before.spec, write.before.spec, write.before.status, write.status));
        wake(kind, id, write.before.spec, write.status);
        break;
      }
      case 'remove':
        refuseNewer(kind, id, write.before.spec);
        refuseNewer(kind, id, write.before.status);
        ops.push({ op: 'delete', key: specKey(kind, id), version: write.before.specVersion });
        // A status that came meanwhile must not stay behind; one that changed may matter for what it claims.
        ops.push(
          write.before.statusVersion === undefined
            ? { op: 'absent', key: statusKey(kind, id) }
            : {
                op: 'delete',
                key: statusKey(kind, id),
                version:
                  kind.unique === undefined && kind.concerns === undefined ? undefined : write.before.statusVersion,
              },
        );
        ops.push(...claimOps(kind, id, write.before.spec, undefined, write.before.status, undefined));
        break;
      case 'touch':
        refuseNewer(kind, id, write.before.spec);
        ops.push({
          op: 'put',
          key: specKey(kind, id),
          value: encodeDocument(kind, 'spec', id, write.before.spec, shapes.of(kind), kept(write.before, 'spec')),
          version: write.before.specVersion,
        });
        break;
      case 'unchanged':
        ops.push({ op: 'check', key: specKey(kind, id), version: write.before.specVersion });
        break;
    }
  }
  // Last, so that a conflict names the object or the claim wherever their versions tell of it already.
  ops.push(...indexOps(writes), ...lives);
  return { ops: mergeChecks(ops), topics: [...topics] };
}

const concernedBy = (kind: AnyKind, id: string, spec: unknown, status: unknown): ReadonlySet<string> =>
  new Set((kind.concerns?.(spec, status, id) ?? []).filter((node) => node !== undefined));

const sameNodes = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((node) => b.has(node));

/**
 * Keeps the index by node in step. An object's spec and status are written by different hands, and both say which
 * nodes it concerns; so whoever changes that pins both, or two at the same time could each leave out what the other adds.
 */
function indexOps(writes: readonly Write[]): Op[] {
  const ops: Op[] = [];
  for (const { kind, id, before, spec, status } of outcomes(writes)) {
    if (kind.concerns === undefined) continue;
    const was = before === undefined ? new Set<string>() : concernedBy(kind, id, before.spec, before.status);
    const is = spec === undefined ? new Set<string>() : concernedBy(kind, id, spec, status);
    const key = (node: string): Key => `${atPrefix(kind, node)}/${id}`;
    const gone = [...was].filter((node) => !is.has(node));
    const added = [...is].filter((node) => !was.has(node));
    ops.push(...gone.map((node): Op => ({ op: 'delete', key: key(node), version: undefined })));
    ops.push(...added.map((node): Op => ({ op: 'create', key: key(node), value: '1' })));
    if (before === undefined || spec === undefined) continue;
    const moved = !sameNodes(concernedBy(kind, id, before.spec, undefined), concernedBy(kind, id, spec, undefined));
    if (!moved && gone.length + added.length === 0) continue;
    ops.push({ op: 'check', key: specKey(kind, id), version: before.specVersion });
    if (before.statusVersion !== undefined)
      ops.push({ op: 'check', key: statusKey(kind, id), version: before.statusVersion });
    else if (status === undefined) ops.push({ op: 'absent', key: statusKey(kind, id) });
  }
  return ops;
}

/** What the index lacks of the objects of a kind. */
export async function missingIndex(documents: Documents, kind: AnyKind): Promise<Op[]> {
  const keys = (await documents.list(kind)).flatMap((doc) =>
    [...concernedBy(kind, doc.id, doc.spec, doc.status)].map((node) => `${atPrefix(kind, node)}/${doc.id}`),
  );
  const entries = await documents.store.readMany(keys);
  return keys.filter((_, index) => entries[index] === undefined).map((key) => ({ op: 'create', key, value: '1' }));
}

/** What each object of the list is before and after all its writes; without a spec it is removed. */
export function outcomes(writes: readonly Write[]) {
  const found = new Map<string, { kind: AnyKind; id: string; before?: AnyDoc; spec?: unknown; status?: unknown }>();
  for (const write of writes) {
    const { kind } = write;
    const id = write.do === 'create' ? write.id : write.before.id;
    const name = `${kind.name}/${id}`;
    const known =
      found.get(name) ??
      (write.do === 'create'
        ? { kind, id }
        : { kind, id, before: write.before, spec: write.before.spec, status: write.before.status });
    if (write.do === 'create') Object.assign(known, { spec: kind.spec.parse(write.spec), status: write.status });
    else if (write.do === 'spec') known.spec = kind.spec.parse(write.spec);
    else if (write.do === 'status') known.status = write.status;
    else if (write.do === 'remove') Object.assign(known, { spec: undefined, status: undefined });
    found.set(name, known);
  }
  return found.values();
}

function claimOps(
  kind: AnyKind,
  id: string,
  oldSpec: unknown,
  newSpec: unknown,
  oldStatus: unknown,
  newStatus: unknown,
): Op[] {
  if (kind.unique === undefined) return [];
  const keys = (spec: unknown, status: unknown): Set<Key> =>
    new Set(
      spec === undefined
        ? []
        : Object.entries(kind.unique?.(spec, status) ?? {}).flatMap(([index, values]) =>
            values.map((value) => claimKey(kind, index, value)),
          ),
    );
  const before = keys(oldSpec, oldStatus);
  const after = keys(newSpec, newStatus);
  return [
    ...[...before].filter((key) => !after.has(key)).map((key): Op => ({ op: 'delete', key, version: undefined })),
    ...[...after].filter((key) => !before.has(key)).map((key): Op => ({ op: 'create', key, value: id })),
  ];
}

/** A check on a key that the same commit writes is said by the write's own version; twice the same check is once. */
function mergeChecks(ops: readonly Op[]): Op[] {
  const written = new Set(ops.filter((op) => op.op !== 'check').map((op) => op.key));
  const checked = new Set<Key>();
  return ops.filter((op) => {
    if (op.op !== 'check') return true;
    if (written.has(op.key) || checked.has(op.key)) return false;
    checked.add(op.key);
    return true;
  });
}

/** The kind of the object that an entry is part of, or is there for: a claim, a life, the index by node. */
export function kindOfKey(key: Key): string {
  const [, first = '', second = '', third = ''] = key.split('/');
  switch (first) {
    case 'claim':
      return second.split('.')[0] ?? '';
    case 'life':
      return second;
    case 'at':
      return third;
    default:
      return first;
  }
}

/** What stands behind a conflicting key, for the message: a claim (`/claim/vm.name/vweb1`) or an object. */
export function describeKey(key: Key): { kind: string; what: 'claim' | 'object'; index?: string; value?: string } {
  const [, first = '', second = '', third = '', fourth = ''] = key.split('/');
  const kind = kindOfKey(key);
  if (first === 'life') return { kind, what: 'object', value: third.slice(0, third.lastIndexOf('.')) };
  if (first === 'at') return { kind, what: 'object', value: fourth };
  if (first !== 'claim') return { kind, what: 'object', value: second };
  const [, index = ''] = second.split('.');
  const value = decodeURIComponent(third.slice(1).replace(/_([0-9a-f]{2})/g, '%$1'));
  return { kind, what: 'claim', index, value };
}
