/** Entries in memory as a tree of path segments, with all-or-nothing changes. @module */
import { changes, stemOf } from './key.ts';
import type { CommitResult, Entry, Key, Op } from './store.ts';

interface Row {
  readonly entry: Entry;
  /** The session that an ephemeral entry goes with. */
  readonly session: string | undefined;
}

interface Branch {
  readonly below: Map<string, Branch>;
  row: Row | undefined;
}

const byKey = (a: Entry, b: Entry): number => (a.key < b.key ? -1 : 1);
const segments = (key: Key): string[] => key.split('/').slice(1);

/** True when the entry is as the operation demands. */
function holds(op: Op, found: Entry | undefined): boolean {
  if (op.op === 'create' || op.op === 'absent') return found === undefined;
  return found !== undefined && (op.version === undefined || op.version === found.version);
}

/** Trusts its input: keys and sizes were checked before. */
export class MemoryTree {
  readonly #root: Branch = { below: new Map(), row: undefined };
  /** The same rows, for whoever knows the whole key. */
  readonly #rows = new Map<Key, Row>();
  #births = 0;

  get(key: Key): Entry | undefined {
    return this.#rows.get(key)?.entry;
  }

  children(prefix: Key): string[] {
    return [...(this.#below(prefix)?.below.keys() ?? [])].sort();
  }

  list(prefix: Key): Entry[] {
    const found: Entry[] = [];
    const walk = (branch: Branch): void => {
      for (const child of branch.below.values()) {
        if (child.row !== undefined) found.push(child.row.entry);
        walk(child);
      }
    };
    const start = this.#below(prefix);
    if (start !== undefined) walk(start);
    return found.sort(byKey); // the order of whole keys is not that of the tree: `/a-b` is before `/a/b`
  }

  /** Does the operations in order, or none of them. */
  commit(ops: readonly Op[], session: string): CommitResult {
    const undo: { key: Key; row: Row | undefined }[] = [];
    for (const op of ops) {
      const before = this.#rows.get(op.key);
      if (!holds(op, before?.entry)) {
        for (const { key, row } of undo.toReversed()) this.#set(key, row);
        return { outcome: 'conflict', key: op.key };
      }
      if (!changes(op)) continue;
      undo.push({ key: op.key, row: before });
      this.#set(op.key, this.#after(op, before, session));
    }
    return { outcome: 'ok' };
  }

  /** Removes the ephemeral entries of a session and returns their keys, sorted. */
  removeSession(session: string): Key[] {
    const keys = [...this.#rows.entries()].flatMap(([key, row]) => (row.session === session ? [key] : [])).sort();
    for (const key of keys) this.#set(key, undefined);
    return keys;
  }

  #after(op: Op, before: Row | undefined, session: string): Row | undefined {
    if (op.op === 'create') {
      this.#births += 1;
      const entry = { key: op.key, value: op.value, version: 0, birth: String(this.#births) };
      return { entry, session: op.ephemeral ? session : undefined };
    }
    if (op.op === 'put' && before !== undefined)
      return { ...before, entry: { ...before.entry, value: op.value, version: before.entry.version + 1 } };
    return undefined;
  }

  #find(key: Key): Branch | undefined {
    let at: Branch | undefined = this.#root;
    for (const segment of segments(key)) at = at?.below.get(segment);
    return at;
  }

  #below(prefix: Key): Branch | undefined {
    return stemOf(prefix) === '/' ? this.#root : this.#find(prefix);
  }

  #set(key: Key, row: Row | undefined): void {
    if (row === undefined) this.#rows.delete(key);
    else this.#rows.set(key, row);
    const path = [this.#root];
    const names = segments(key);
    for (const name of names) {
      const at = path[path.length - 1] as Branch;
      let next = at.below.get(name);
      if (next === undefined) {
        next = { below: new Map(), row: undefined };
        at.below.set(name, next);
      }
      path.push(next);
    }
    (path[path.length - 1] as Branch).row = row;
    // Branches without entries go, or they would be counted as children.
    for (let depth = path.length - 1; depth > 0; depth -= 1) {
      const branch = path[depth] as Branch;
      if (branch.row !== undefined || branch.below.size > 0) break;
      (path[depth - 1] as Branch).below.delete(names[depth - 1] as string);
    }
  }
}
