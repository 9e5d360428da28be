/**
 * A controller keeps the world as the objects of one kind want it: it looks (`observe`), compares
 * (`plan`, pure) and does what is missing (`apply`, idempotent). The engine decides when.
 * @module
 */
import { z } from 'zod';
import type { Doc, Kind } from '../model/kind.ts';

/** A persistent trouble of an object, shown in `info`; it goes away when it is cured. */
export const condition = z.strictObject({ type: z.string(), message: z.string(), sinceMs: z.int() });
export type Condition = z.infer<typeof condition>;

/** One thing to do. Controllers add what `apply` needs to their own step types. */
export interface Step {
  readonly do: string;
  /** A sentence without subject: `create the domain web1`. Shown in plans, tasks and logs. */
  readonly text: string;
  readonly timeoutMs: number;
}

export interface ReconcilePlan<P extends Step = Step> {
  readonly steps: readonly P[];
  /** Look again after this time even if nothing changes. */
  readonly againInMs?: number;
}

export interface ControlContext {
  readonly node: string;
  readonly nowMs: number;
}

export interface Controller<Spec, Status, Observed, P extends Step = Step> {
  readonly name: string;
  readonly summary: string;
  readonly kind: Kind<Spec, Status>;
  /**
   * `node`: runs on every node for the objects that are `mine` there. `primary`: on the primary, for all. `leader`: the same, as soon
   * as the role is taken, for what must not wait until its duties are (a deposed primary may have them for seconds).
   */
  readonly scope: 'node' | 'primary' | 'leader';
  /** Whose it is; what is mine must be among what the kind's `concerns` names. Absent: every node's. */
  mine?(doc: Doc<Spec, Status>, node: string): boolean;
  /** Ids that exist in the world whether or not the store knows them (orphans). */
  present?(): Promise<readonly string[]>;
  /**
   * As `present`, each with a sign: a text that is another one as soon as `observe` would tell something else of it. One look
   * at the whole world, so that a resync does not look at each object in which nothing has moved (engine.ts, `Rest`).
   */
  glance?(): Promise<ReadonlyMap<string, string>>;
  /** The sign of what was observed, `''` for what is not there; undefined: it is looked at again at every resync. */
  sign?(observed: Observed): string | undefined;
  /** What is. Called for objects that are mine, and with `undefined` for those that are gone or not mine any more. */
  observe(id: string, doc: Doc<Spec, Status> | undefined): Promise<Observed>;
  plan(doc: Doc<Spec, Status> | undefined, observed: Observed, context: ControlContext): ReconcilePlan<P>;
  apply(step: P, id: string, signal: AbortSignal): Promise<void>;
  /** The status to write for what was observed; `conditions` are the engine's to fill in. Absent: this controller reports nothing. */
  report?(
    doc: Doc<Spec, Status>,
    observed: Observed,
    conditions: readonly Condition[],
    context: ControlContext,
  ): Status;
  /** Tells of changes in the world; runs until the signal aborts. */
  watch?(touch: (id: string | 'all') => void, signal: AbortSignal): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the engine holds controllers of every shape
export type AnyController = Controller<any, any, any, any>;

export const defineController = <S, T, O, P extends Step>(controller: Controller<S, T, O, P>): Controller<S, T, O, P> =>
  controller;
