/**
 * Where the store's keys lie in ZooKeeper. An entry is always a leaf: `/vm/UUID/spec` is the znode
 * `ROOT/vm/UUID~spec`, so that its version counts from 0 and a removed object leaves nothing behind. The directory is
 * the first segment of the key; below `/claim`, `/at` and `/life`, which hold most entries, the first two. Pure.
 * @module
 */
import type { Key, Topic } from '../store.ts';

/** Not among the characters of a key. */
const joint = '~';

/** Directories of two segments. */
const deep = new Set(['claim', 'at', 'life']);

export interface Place {
  /** `vm`, or `at/hv1`. */
  readonly directory: string;
  /** Name of the znode in it. */
  readonly name: string;
}

export function placeOf(key: Key): Place {
  const segments = key.slice(1).split('/');
  // A key that is no longer than its directory would be lies beside the directories, under a name that none can have.
  const depth = deep.has(segments[0] ?? '') ? 2 : 1;
  if (segments.length <= depth) return { directory: '', name: `${joint}${segments.join(joint)}` };
  return { directory: segments.slice(0, depth).join('/'), name: segments.slice(depth).join(joint) };
}

/** The key of the znode `name` in `directory` (`''`: the root); undefined for what is no entry there. */
export function keyOf(directory: string, name: string): Key | undefined {
  if (directory === '') return name.startsWith(joint) ? `/${name.slice(1).replaceAll(joint, '/')}` : undefined;
  return `/${directory}/${name.replaceAll(joint, '/')}`;
}

/** The paths in ZooKeeper of one cluster's state. */
export class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(key: Key): string {
    const { directory, name } = placeOf(key);
    return directory === '' ? `${this.root}/${name}` : `${this.root}/${directory}/${name}`;
  }

  directory(name: string): string {
    return name === '' ? this.root : `${this.root}/${name}`;
  }

  /** Where each commit says what it changed. */
  feed(topic: Topic): string {
    return `${this.root}-feed/${topic}`;
  }

  /** Where each ephemeral entry has a mark that goes with it. */
  get marks(): string {
    return `${this.root}-ephemeral`;
  }

  /** Start of the name of an ephemeral entry's mark; ZooKeeper appends ten digits. */
  mark(key: Key): string {
    return `${this.marks}/${key.replaceAll('/', joint)}${joint}`;
  }

  /** The entry that a mark belongs to. */
  markedKey(name: string): Key | undefined {
    const found = /^(~.+)~-?\d+$/.exec(name)?.[1];
    return found?.replaceAll(joint, '/');
  }

  /** What each owner of a session writes to show that its session lives. */
  beat(owner: string): string {
    return `${this.root}-beat/${owner}`;
  }

  /** Which session an owner has. */
  owner(owner: string): string {
    return `${this.root}-owner/${owner}`;
  }

  /** What must exist before anything else. */
  get base(): string[] {
    return [this.root, `${this.root}-feed`, this.marks, `${this.root}-beat`, `${this.root}-owner`];
  }
}

/** The number at the end of a sequential znode's name (a 32-bit integer that may have wrapped around); undefined when it has none. */
export function sequenceOf(name: string): number | undefined {
  const digits = /(-?\d{10,})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits) | 0;
}
