/**
 * A kind of object that the store keeps. `spec` is what was asked and is written by operations;
 * `status` is what is, and is written by its one owner (the node that runs the object, or the primary).
 * @module
 */
import type { z } from 'zod';
import { defineErrors, type PvcError } from '../error/error.ts';

export interface KindDefinition<Spec, Status> {
  /** Singular, lower case: the first segment of its keys and the word in messages (`vm`, `node`). */
  readonly name: string;
  readonly plural: string;
  /** Shape of `spec`; strict objects, so that an unknown field is refused on write. */
  readonly spec: z.ZodType<Spec>;
  readonly status: z.ZodType<Status>;
  /** What an id may be: it becomes a segment of a key. */
  readonly id: z.ZodType<string>;
  /** Version of the document's shape, written with it; starts at 1. */
  readonly version: number;
  /** Turns a spec of version `n` (the index) into one of version `n + 1`. */
  readonly migrateSpec?: Readonly<Record<number, (old: unknown) => unknown>>;
  readonly migrateStatus?: Readonly<Record<number, (old: unknown) => unknown>>;
  /**
   * The way back: turns a spec of version `n + 1` into one of version `n` (the index), for as long as a node runs that
   * knows no more. It throws, with the reason, what the older shape cannot express.
   */
  readonly revertSpec?: Readonly<Record<number, (young: unknown) => unknown>>;
  readonly revertStatus?: Readonly<Record<number, (young: unknown) => unknown>>;
  /**
   * Values that no two objects may share, by index: `{ name: ['web1'], mac: ['52:54:…'] }`. Each is
   * claimed by a key of its own in the same commit, so that two writers cannot both win.
   */
  readonly unique?: (spec: Spec, status: Status | undefined) => Readonly<Record<string, readonly string[]>>;
  /**
   * Nodes that must be woken when the object changes; the rest of the cluster is left asleep. The store keeps an
   * index of it, so that a node finds its objects without reading everybody's.
   */
  readonly concerns?: (spec: Spec, status: Status | undefined, id: string) => readonly (string | undefined)[];
  /** It only keeps others right: not shown in plans and audit records. */
  readonly bookkeeping?: boolean;
  /**
   * Objects that this one cannot do without, each by its kind and by the value of that kind's unique index `name`. What
   * does not exist cannot be referred to, and what is referred to keeps its name: see core/operation/references.ts.
   */
  readonly refers?: (spec: Spec) => readonly Reference[];
  /**
   * The object without which this one means nothing, as in `refers`: whoever removes that one removes this one in the
   * same commit. It is not looked for when this one is made: who makes it refers to it, or pins what it relies on.
   */
  readonly belongs?: (spec: Spec) => Reference;
  /** The words of the commands on such objects (`storage volume`), when they are not the kind's name. */
  readonly command?: string;
  /** Name for people, when the id is not it. */
  readonly label?: (spec: Spec) => string;
}

export interface Reference {
  readonly kind: string;
  readonly name: string;
}

/** A kind with its types, as `defineKind` returns it. */
export type Kind<Spec = unknown, Status = unknown> = KindDefinition<Spec, Status>;

// oxlint-disable-next-line typescript/no-explicit-any -- a registry holds kinds of every shape
export type AnyKind = Kind<any, any>;

/** Declares a kind; only gives it its types. */
export function defineKind<Spec, Status>(definition: KindDefinition<Spec, Status>): Kind<Spec, Status> {
  return definition;
}

/**
 * An object as it was read, frozen: all who read it share its spec and its status. Versions are undefined where that half does
 * not exist.
 */
export interface Doc<Spec, Status> {
  readonly id: string;
  readonly spec: Spec;
  readonly specVersion: number;
  /** Differs when an object was deleted and made again under the same id. */
  readonly birth: string;
  /** A word that only this life of the object has; absent in one made by a PVC that gave none. */
  readonly life?: string;
  readonly status: Status | undefined;
  readonly statusVersion: number | undefined;
}

/** The error OBJECT_NOT_FOUND. */
export const notFound = (kind: Pick<AnyKind, 'name' | 'command'>, id: string): PvcError =>
  modelError('OBJECT_NOT_FOUND', { kind: kind.name, id, command: kind.command ?? kind.name });

export const modelError = defineErrors({
  OBJECT_IN_USE: {
    message: 'The {kind} {name} is in use: {users}.',
    hint: 'Nothing was changed. Take it away from there first.',
    http: 409,
    exit: 'refused',
  },
  OBJECT_NOT_FOUND: {
    message: 'There is no {kind} {id}.',
    hint: 'List what there is with `pvc {command} list`.',
    http: 404,
    exit: 'notFound',
  },
  OBJECT_EXISTS: {
    message: 'There is already a {kind} with {field} {value}{owner}.',
    hint: 'Choose another {field}, or remove the other {kind} first.',
    http: 409,
    exit: 'conflict',
  },
  OBJECT_CHANGED: {
    message: 'The {kind} {id} was changed by somebody else in the meantime.',
    hint: 'Look at it again and repeat the change on the newest version.',
    http: 409,
    exit: 'conflict',
  },
  DOCUMENT_INVALID: {
    message: 'The {kind} {id} would not be valid: {reason}',
    hint: 'This value is refused before anything is written; correct it and try again.',
    http: 422,
    exit: 'usage',
  },
  DOCUMENT_NEWER: {
    message:
      'The {kind} {id} was written by a newer PVC (shape {shape}; this node knows {known}): it is not changed from here.',
    hint: 'Update this node, or change it on a node that is updated already; `pvc node list` shows the versions.',
    http: 409,
    exit: 'refused',
  },
  DOCUMENT_HELD_BACK: {
    message: 'The {kind} {id} cannot be written yet so that every node understands it: {reason}',
    hint: 'Some nodes run an older PVC: update them first; `pvc node list` shows the versions.',
    http: 409,
    exit: 'refused',
  },
  DOCUMENT_UNREADABLE: {
    message: 'The stored {kind} {id} cannot be understood: {reason}',
    hint: 'It was written by a newer PVC or damaged. Update this node, or restore the object from a backup.',
    http: 500,
    exit: 'failed',
  },
});
