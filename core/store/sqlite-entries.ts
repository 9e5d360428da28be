/** Entries and the change table in SQL. Trusts its input; the caller holds the transaction. @module */
import { changes, stemOf } from './key.ts';
import type { SqliteDatabase } from './sqlite-driver.ts';
import type { CommitResult, Entry, Key, Op, Topic } from './store.ts';

/** Commits whose changes are kept for other processes. A reader that is further behind looks at everything. */
export const keptChanges = 1000;

/** A commit with more changed keys than this is not named key by key, which bounds the table. */
const maxNamedKeys = 128;

const keysPerPage = 256;

interface Row {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly birth: number;
}

export interface Change {
  readonly seq: number;
  readonly topics: readonly Topic[];
  /** Undefined: any key may have changed. */
  readonly keys: readonly Key[] | undefined;
}

const entryOf = (row: Row): Entry => ({
  key: row.key,
  value: row.value,
  version: row.version,
  birth: String(row.birth),
});

/** The last key of a subtree sorts before this: `0` follows `/` in ASCII. */
const endOf = (stem: string): string => `${stem.slice(0, -1)}0`;

/** Statements are prepared once; each method runs in the transaction of its caller, or as one of its own. */
export class SqliteEntries {
  readonly #get;
  readonly #list;
  readonly #keys;
  readonly #create;
  readonly #put;
  readonly #delete;
  readonly #ofSession;
  readonly #deleteSession;
  readonly #addChange;
  readonly #trimChanges;
  readonly #changesAfter;
  readonly #lastChange;

  constructor(database: SqliteDatabase) {
    const sql = (text: string) => database.prepare(text);
    this.#get = sql('SELECT key, value, version, birth FROM entry WHERE key = ?');
    this.#list = sql('SELECT key, value, version, birth FROM entry WHERE key >= ? AND key < ? ORDER BY key');
    this.#keys = sql('SELECT key FROM entry WHERE key >= ? AND key < ? ORDER BY key LIMIT ?').pluck();
    this.#create = sql('INSERT INTO entry (key, value, version, session) VALUES (?, ?, 0, ?)');
    this.#put = sql('UPDATE entry SET value = ?, version = version + 1 WHERE key = ?');
    this.#delete = sql('DELETE FROM entry WHERE key = ?');
    this.#ofSession = sql('SELECT key FROM entry WHERE session = ? ORDER BY key').pluck();
    this.#deleteSession = sql('DELETE FROM entry WHERE session = ?');
    this.#addChange = sql('INSERT INTO change (topics, keys) VALUES (?, ?)');
    this.#trimChanges = sql('DELETE FROM change WHERE seq <= ?');
    this.#changesAfter = sql('SELECT seq, topics, keys FROM change WHERE seq > ? ORDER BY seq');
    this.#lastChange = sql('SELECT coalesce(max(seq), 0) FROM change').pluck();
  }

  get(key: Key): Entry | undefined {
    const row = this.#get.get(key) as Row | undefined;
    return row === undefined ? undefined : entryOf(row);
  }

  list(prefix: Key): Entry[] {
    const stem = stemOf(prefix);
    return (this.#list.all(stem, endOf(stem)) as Row[]).map(entryOf);
  }

  /** Reads keys page by page; after each page it skips what else is below the last child. */
  children(prefix: Key): string[] {
    const stem = stemOf(prefix);
    const names = new Set<string>();
    let from = stem;
    for (;;) {
      const keys = this.#keys.all(from, endOf(stem), keysPerPage) as string[];
      for (const key of keys) names.add(key.slice(stem.length).split('/', 1)[0] as string);
      const last = keys.at(-1);
      if (last === undefined || keys.length < keysPerPage) return [...names].sort();
      const slash = last.indexOf('/', stem.length);
      from = slash < 0 ? `${last}\0` : endOf(last.slice(0, slash + 1));
    }
  }

  /** Does the operations in order. After a conflict the caller must undo what was done before it. */
  apply(ops: readonly Op[], topics: readonly Topic[], session: string): CommitResult {
    for (const op of ops) {
      if (!this.#holds(op)) return { outcome: 'conflict', key: op.key };
      if (op.op === 'create') this.#create.run(op.key, op.value, op.ephemeral ? session : null);
      else if (op.op === 'put') this.#put.run(op.value, op.key);
      else if (op.op === 'delete') this.#delete.run(op.key);
    }
    const changed = new Set(ops.filter(changes).map((op) => op.key));
    if (changed.size > 0) this.#recordChange([...changed], topics);
    return { outcome: 'ok' };
  }

  removeSession(session: string): void {
    const keys = this.#ofSession.all(session) as Key[];
    if (keys.length === 0) return;
    this.#deleteSession.run(session);
    this.#recordChange(keys, []);
  }

  changesAfter(seq: number): Change[] {
    const rows = this.#changesAfter.all(seq) as { seq: number; topics: string; keys: string | null }[];
    return rows.map((row) => ({
      seq: row.seq,
      topics: JSON.parse(row.topics) as Topic[],
      keys: row.keys === null ? undefined : (JSON.parse(row.keys) as Key[]),
    }));
  }

  lastChange(): number {
    return this.#lastChange.get() as number;
  }

  #holds(op: Op): boolean {
    const found = this.#get.get(op.key) as Row | undefined;
    if (op.op === 'create' || op.op === 'absent') return found === undefined;
    return found !== undefined && (op.version === undefined || op.version === found.version);
  }

  #recordChange(keys: readonly Key[], topics: readonly Topic[]): void {
    const named = keys.length > maxNamedKeys ? null : JSON.stringify(keys);
    const { lastInsertRowid } = this.#addChange.run(JSON.stringify(topics), named);
    this.#trimChanges.run(lastInsertRowid - keptChanges);
  }
}
