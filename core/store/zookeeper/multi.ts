/** A commit of the store as one transaction of ZooKeeper, and what its results mean. @module */
import { changes } from '../key.ts';
import type { Key, Op, Topic } from '../store.ts';
import { type Layout, placeOf } from './layout.ts';
import { type Client, code, type Failure, mode, ownAcl, type TransactionResult } from './library.ts';

/** With more text than this a feed says "anything", which bounds what readers fetch. */
const maxFeedBytes = 64 * 1024;

interface Step {
  readonly do: 'create' | 'set' | 'remove' | 'check';
  readonly path: string;
  readonly data?: Buffer;
  readonly mode?: number;
  readonly version?: number;
  /** Index of the operation that it belongs to; undefined for what is added to every commit. */
  readonly of?: number;
  /** The directory that must exist. */
  readonly directory?: string;
}

export interface Transaction {
  readonly steps: readonly Step[];
  /** Everything that must exist before. */
  readonly directories: readonly string[];
  /** Bytes of all values. */
  readonly size: number;
}

export function transactionOf(layout: Layout, ops: readonly Op[], topics: readonly Topic[]): Transaction {
  const steps: Step[] = [];
  for (const [of, op] of ops.entries()) {
    const path = layout.path(op.key);
    const directory = layout.directory(placeOf(op.key).directory);
    switch (op.op) {
      case 'create': {
        const ephemeral = op.ephemeral === true;
        const data = Buffer.from(op.value);
        steps.push({ do: 'create', path, data, mode: ephemeral ? mode.ephemeral : mode.persistent, of, directory });
        if (ephemeral) steps.push({ do: 'create', path: layout.mark(op.key), mode: mode.ephemeralSequential });
        break;
      }
      case 'put':
        steps.push({ do: 'set', path, data: Buffer.from(op.value), version: op.version ?? -1, of });
        break;
      case 'delete':
        steps.push({ do: 'remove', path, version: op.version ?? -1, of });
        break;
      case 'check':
        steps.push({ do: 'check', path, version: op.version, of });
        break;
      case 'absent':
        // ZooKeeper has no such check; what can be made was not there.
        steps.push({ do: 'create', path, mode: mode.persistent, of, directory });
        steps.push({ do: 'remove', path, version: -1, of });
        break;
    }
  }
  const keys = [...new Set(ops.filter(changes).map((op) => op.key))];
  if (keys.length > 0) {
    const text = JSON.stringify(keys);
    const data = Buffer.from(text.length > maxFeedBytes ? '' : text);
    for (const topic of new Set<Topic>(['all', ...topics])) {
      const directory = layout.feed(topic);
      steps.push({ do: 'create', path: `${directory}/e`, data, mode: mode.persistentSequential, directory });
    }
  }
  return {
    steps,
    directories: [...new Set(steps.flatMap((step) => step.directory ?? []))],
    size: steps.reduce((sum, step) => sum + (step.data?.length ?? 0), 0),
  };
}

export function send(
  client: Client,
  { steps }: Transaction,
  callback: (error: Failure | null, results?: readonly TransactionResult[]) => void,
): void {
  const transaction = client.transaction();
  for (const step of steps) {
    const { path, data = Buffer.alloc(0), version = -1 } = step;
    if (step.do === 'create') transaction.create(path, data, ownAcl, step.mode ?? mode.persistent);
    else if (step.do === 'set') transaction.setData(path, data, version);
    else if (step.do === 'remove') transaction.remove(path, version);
    else transaction.check(path, version);
    // The library takes an expected version 0 for "any version".
    const last = transaction.ops.at(-1);
    if (last !== undefined && step.do !== 'create') last.version = version;
  }
  // One that was refused brings its results along with the error: they tell which step it was.
  transaction.commit((error, results) => callback(results === undefined ? error : null, results));
}

export type Verdict =
  | { readonly outcome: 'ok'; readonly paths: readonly string[] }
  | { readonly outcome: 'conflict'; readonly key: Key }
  /** A directory was missing: make all of them, and commit again. */
  | { readonly outcome: 'directory' }
  | { readonly outcome: 'failed'; readonly code: number };

/** What the results of a transaction mean: all of it was done, or nothing because of the first that failed. */
export function verdictOf({ steps }: Transaction, ops: readonly Op[], results: readonly TransactionResult[]): Verdict {
  const failed = results.findIndex((result) => result.err !== undefined && result.err !== 0);
  if (failed === -1) return { outcome: 'ok', paths: results.flatMap((result) => result.path ?? []) };
  const number = results[failed]?.err ?? 0;
  const step = steps[failed];
  if (step?.do === 'create' && number === code.noNode) return { outcome: 'directory' };
  const op = step?.of === undefined ? undefined : ops[step.of];
  const demanded = number === code.noNode || number === code.nodeExists || number === code.badVersion;
  return op !== undefined && demanded ? { outcome: 'conflict', key: op.key } : { outcome: 'failed', code: number };
}
