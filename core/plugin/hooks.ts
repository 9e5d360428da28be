/**
 * Every point of PVC where a plugin can join in: one frozen object. Each hook's comment is its
 * contract. A third-party plugin's tap has ten seconds at most, whatever the hook's own deadline. The table of policies is in `hook-point.ts`; `docs/reference/hooks.md` shows it for people.
 * @module
 */
import type { z } from 'zod';
import type { HealthCheck } from '../health/health-check.ts';
import type { MetricDefinition } from '../metric/metric.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Operation, QueryContext } from '../operation/operation.ts';
import type { PlanBuilder } from '../operation/plan.ts';
import type { AnyController } from '../reconcile/controller.ts';
import type { AnyTaskDefinition } from '../task/task-definition.ts';
import { problemOf } from './contribution.ts';
import type {
  DeadNode,
  FenceAbout,
  FenceProof,
  IsolationEnd,
  NotNow,
  RecoverAbout,
  ReturningNode,
  Stranded,
  Waiting,
} from './fence-hooks.ts';
import { CollectHook, FirstHook, ListHook, StageHook, StrictHook } from './hook-point.ts';
import type { InitPart } from './init-part.ts';
import type { PowerDriver } from './power.ts';
import type { Runtime } from './runtime.ts';
import type { HookContext } from './tap-guard.ts';

/** A change of an object, as it is told to plugins and shown by `pvc events`. */
export interface ChangeEvent {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly type: 'created' | 'changed' | 'removed' | 'status';
}

/** The order in which the primary's duties are taken; they are left in the reverse order. */
export const primaryStages = { ADDRESS: 0, GATEWAY: 10, DHCP: 20, DNS: 30, PROVISION: 40 } as const;

const seconds = (count: number): number => count * 1000;

export const createHooks = (context: HookContext) =>
  Object.freeze({
    /** Schema of the plugin's section `plugins.NAME` in pvc.yaml. Read in every process, CLI too, before anything else. */
    config: new ListHook<z.ZodType>('config', context, { problem: problemOf.config }),
    /** Kinds of objects for the store. Read in every process. */
    kinds: new ListHook<AnyKind>('kinds', context, { problem: problemOf.kind, key: (kind) => `the kind ${kind.name}` }),
    /** Operations: each becomes a route, a command, a client call. Read in every process. */
    operations: new ListHook<Operation>('operations', context, { problem: problemOf.operation }),
    /**
     * What there is, counted or in a few words: the lines that a plugin adds to `cluster status`, as
     * `{ 'Guests running': 3 }`. Called in every process that answers it; all at once.
     */
    counters: new CollectHook<QueryContext, Readonly<Record<string, number | string>>>(
      'counters',
      context,
      seconds(4),
      problemOf.counts,
    ),
    /** Options of `cluster init`, and what a new cluster has when they are given. Read in every process of the command line. */
    clusterInit: new ListHook<InitPart>('clusterInit', context, {
      problem: problemOf.initPart,
      key: (part) => `the option ${part.field} of cluster init`,
    }),
    /** Controllers. Read once in the daemon, after `start`. */
    controllers: new ListHook<AnyController>('controllers', context, {
      problem: problemOf.controller,
      key: (controller) => `the controller ${controller.name}`,
    }),
    /** Tasks that this node can carry out. Read once in the daemon, after `start`. */
    tasks: new ListHook<AnyTaskDefinition>('tasks', context, {
      problem: problemOf.task,
      key: (task) => `the task ${task.action}`,
    }),
    /** Health checks of this node. Read once in the daemon, after `start`. */
    health: new ListHook<HealthCheck>('health', context, {
      problem: problemOf.health,
      key: (check) => `the health check ${check.name}`,
    }),
    /**
     * Drivers that switch machines through their BMCs, by protocol. Read in every process; called in the daemon, after
     * `start`. Which one a node's BMC needs is told by its document; attempts, deadlines and reading back are core's.
     */
    power: new ListHook<PowerDriver>('power', context, {
      problem: problemOf.power,
      key: (driver) => `the power driver ${driver.name}`,
    }),
    /** Metrics of this node. Read once in the daemon, after `start`. */
    metrics: new ListHook<MetricDefinition>('metrics', context, {
      problem: problemOf.metric,
      key: (metric) => `the metric ${metric.name}`,
    }),

    /**
     * The daemon has its store and configuration; nothing runs yet. One after the other, in the order of
     * the list of plugins. A built-in that fails ends the daemon; another's failure is a fault and its
     * other taps still run.
     */
    start: new StrictHook<Runtime>('start', context, seconds(60)),
    /** The daemon stops. All at once, whether or not `start` has run or succeeded. Guests and services must go on. */
    stop: new CollectHook<Runtime>('stop', context, seconds(10)),
    /** Every 10 s: facts about this node for its status document (short words and numbers; shown by `node info`). */
    keepalive: new CollectHook<{ node: string }, Readonly<Record<string, string | number | boolean>>>(
      'keepalive',
      context,
      seconds(4),
      problemOf.facts,
    ),
    /**
     * Before a plan is committed or shown: a reason to refuse it, or undefined. The first reason wins.
     * Must not change the plan. May run several times for one request, concurrently with other requests.
     */
    shouldAdmit: new FirstHook<{ operation: string; plan: Pick<PlanBuilder, 'writes' | 'tasks'> }, string>(
      'shouldAdmit',
      context,
      seconds(5),
      problemOf.reason,
    ),
    /**
     * This node has become primary: take up what only the primary does. By stage (`primaryStages`), one
     * after the other. Runs once a term; a failed tap is a fault and the next ones run.
     */
    becomePrimary: new StageHook<Runtime & { term: number }>('becomePrimary', context, seconds(30), 'ascending'),
    /**
     * This node is primary no more: drop all of it, in the reverse order of stages, which are those of `becomePrimary`.
     * Safe from any state, also without `becomePrimary` before it, and twice. A failed tap is a fault and the next ones run.
     * After that of a built-in plugin all are called again every second; another node takes the role once the lease is over.
     */
    leavePrimary: new StageHook<Runtime>('leavePrimary', context, seconds(10), 'reverse'),
    /**
     * A node is dead: what of yours was there and shall go on elsewhere, with what must be proven for that. Asked on the
     * primary again and again while the node is dead; changes nothing. In this hook and the next four, what cannot be said or
     * done now for a reason that passes is `{ notNow: 'why' }` (`orNotNow`).
     */
    stranded: new CollectHook<DeadNode, readonly Stranded[] | NotNow>(
      'stranded',
      context,
      seconds(60),
      problemOf.stranded,
    ),
    /**
     * A node is dead: shut it out of the resources among `needs` that are yours, so that nothing that still runs there can
     * use them; read that back, and give the proof. Without one give undefined. Called on the primary, again and again
     * until all is proven, so it must be good to be done twice. Await `begin` before you change anything.
     */
    fence: new CollectHook<FenceAbout, FenceProof | NotNow | undefined>('fence', context, seconds(60), problemOf.proof),
    /**
     * A node is dead: have what it had, and whose needs are all `proven`, go on elsewhere, by `write`; tell what waits, and
     * why. Called on the primary again and again.
     */
    recover: new CollectHook<RecoverAbout, readonly Waiting[] | NotNow>(
      'recover',
      context,
      seconds(60),
      problemOf.waiting,
    ),
    /** A node that was fenced is back: why it must not be let in again yet. Called on the primary until nothing speaks against it. */
    returning: new CollectHook<ReturningNode, readonly string[] | NotNow>(
      'returning',
      context,
      seconds(60),
      problemOf.reasons,
    ),
    /** A node that was fenced is back and has ended what goes on elsewhere: undo what `fence` did. Good to be done twice. */
    unfence: new CollectHook<DeadNode, readonly string[] | NotNow>('unfence', context, seconds(60), problemOf.reasons),
    /**
     * This node is cut off from the store, which others may reach: end at once what may go on elsewhere, by what you know,
     * since nobody can be asked. Called each second for as long as that lasts, so it must be good to be done twice.
     */
    isolated: new CollectHook<{ node: string }, IsolationEnd>('isolated', context, seconds(5), problemOf.isolationEnd),
    /**
     * This node was cut off from these resources and is to be let in to them again: end what of yours has used them, since it
     * does not get them back. Called until all is ended, so it must be good to be done twice.
     */
    cutOff: new CollectHook<{ node: string; resources: readonly string[] }, IsolationEnd>(
      'cutOff',
      context,
      seconds(10),
      problemOf.isolationEnd,
    ),
    /** An object changed; told on coordinators, which see all changes. After the fact: informs, cannot change anything. All taps at once; late ones are left behind. */
    event: new CollectHook<ChangeEvent>('event', context, seconds(5)),
  });

export type Hooks = ReturnType<typeof createHooks>;
