/**
 * What planners and queries see of the cluster: typed documents, read on demand and remembered, so
 * that one plan sees one version of an object however often it asks.
 * @module
 */
import type { AnyKind, Doc, Kind } from '../model/kind.ts';
import { notFound } from '../model/kind.ts';
import type { AnyDoc, Documents } from '../store/documents.ts';
import type { Key } from '../store/store.ts';

/** An object that refers to another one. */
export interface Referrer {
  readonly kind: string;
  readonly id: string;
  /** Its name for people. */
  readonly label: string;
}

export class View {
  readonly #documents: Documents;
  readonly #kinds: readonly AnyKind[];
  readonly #objects = new Map<string, Promise<AnyDoc | undefined>>();
  readonly #lists = new Map<string, Promise<AnyDoc[]>>();

  /** @param kinds all there are, for what refers to what */
  constructor(documents: Documents, kinds: readonly AnyKind[] = []) {
    this.#documents = documents;
    this.#kinds = kinds;
  }

  get<S, T>(kind: Kind<S, T>, id: string): Promise<Doc<S, T> | undefined> {
    const key = `${kind.name}/${id}`;
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const reading = this.#documents.get(kind, id);
    this.#objects.set(key, reading);
    return reading;
  }

  /** @throws PvcError OBJECT_NOT_FOUND */
  async need<S, T>(kind: Kind<S, T>, id: string): Promise<Doc<S, T>> {
    const doc = await this.get(kind, id);
    if (doc === undefined) throw notFound(kind, id);
    return doc;
  }

  /** The object that holds a unique value. */
  async find<S, T>(kind: Kind<S, T>, index: string, value: string): Promise<Doc<S, T> | undefined> {
    const id = await this.#documents.find(kind, index, value);
    return id === undefined ? undefined : this.get(kind, id);
  }

  /** Nodes whose daemon has a living session with the store. */
  async alive(): Promise<ReadonlySet<string>> {
    return new Set(await this.#documents.store.children('/alive'));
  }

  /** The node that is primary now, if any. */
  async primary(): Promise<string | undefined> {
    return (await this.#documents.store.read('/primary/holder'))?.value;
  }

  list<S, T>(kind: Kind<S, T>): Promise<Doc<S, T>[]> {
    const known = this.#lists.get(kind.name);
    if (known !== undefined) return known;
    const reading = this.#documents.list(kind).then((docs) => {
      for (const doc of docs) this.#objects.set(`${kind.name}/${doc.id}`, Promise.resolve(doc));
      return docs;
    });
    this.#lists.set(kind.name, reading);
    return reading;
  }

  /** The objects of a kind that concern a node, without reading those of others. */
  listAt<S, T>(kind: Kind<S, T>, node: string): Promise<Doc<S, T>[]> {
    return this.#documents.listAt(kind, node);
  }

  /** How many objects of each kind belong to a node, besides the node itself and its tasks. */
  async belongings(node: string): Promise<ReadonlyMap<string, number>> {
    const { store } = this.#documents;
    const kinds = (await store.children(`/at/${node}`)).filter((kind) => kind !== 'node' && kind !== 'task');
    const counted = kinds.map(async (kind) => [kind, (await store.children(`/at/${node}/${kind}`)).length] as const);
    return new Map((await Promise.all(counted)).filter(([, count]) => count > 0));
  }

  /** Who refers to objects of a kind, by the name that they refer to. */
  async referrers(kind: string): Promise<ReadonlyMap<string, readonly Referrer[]>> {
    const users = new Map<string, Referrer[]>();
    for (const user of this.#kinds.filter(({ refers }) => refers !== undefined))
      for (const doc of await this.list(user))
        for (const reference of user.refers?.(doc.spec) ?? []) {
          if (reference.kind !== kind) continue;
          const who: Referrer = { kind: user.name, id: doc.id, label: user.label?.(doc.spec) ?? doc.id };
          users.set(reference.name, [...(users.get(reference.name) ?? []), who]);
        }
    return users;
  }

  /**
   * For feeds, which outlive one moment: a fresh view now, and again whenever something below `prefix`
   * (`/task/0ma…`) may have changed. Ends when the signal aborts.
   */
  async *changes(prefix: Key, signal: AbortSignal): AsyncIterable<View> {
    for await (const dirty of this.#documents.store.watch(['all'], signal)) {
      if (dirty.resync || [...dirty.keys].some((key) => key === prefix || key.startsWith(`${prefix}/`)))
        yield new View(this.#documents, this.#kinds);
    }
  }
}
