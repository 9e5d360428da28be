/**
 * The daemon from top to bottom: store, plugins, controllers, tasks, API; and its end, which leaves
 * guests and services running.
 * @module
 */

import { Steadiness } from '../cluster/fence/death-controller.ts';
import { deposePrimary } from '../cluster/fence/depose-primary.ts';
import { fenceControllers } from '../cluster/fence/fence-controllers.ts';
import { fenceMetrics } from '../cluster/fence/fence-metrics.ts';
import { judgeMs } from '../cluster/fence/fence-plan.ts';
import { type Door, Silence } from '../cluster/fence/silence.ts';
import { leaseOfFloating } from '../cluster/floating-address.ts';
import type { Peers } from '../cluster/isolation/ask-coordinators.ts';
import type { Reach } from '../cluster/isolation/finding.ts';
import { Liveness } from '../cluster/isolation/liveness.ts';
import { Watchdog } from '../cluster/isolation/watchdog.ts';
import { tellOfWatchdog } from '../cluster/isolation/watchdog-fault.ts';
import { dropLeftovers, LeasedAddresses, recordOf } from '../cluster/leased-addresses.ts';
import { sqlitePath } from '../cluster/open-store.ts';
import { BmcChecks } from '../cluster/power/bmc-checks.ts';
import { BmcPower } from '../cluster/power/bmc-power.ts';
import { takeBmcOfFile } from '../cluster/power/own-bmc.ts';
import { powerTask } from '../cluster/power/power-task.ts';
import { PrimaryRole } from '../cluster/primary.ts';
import { type RemoveParts, removeNodeTask } from '../cluster/remove-node.ts';
import { raiseShapes, refuseTooOld } from '../cluster/shape-gate.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import { errorText } from '../error/error.ts';
import { openEvents } from '../event/open-events.ts';
import { FaultBook } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { aliveKey, node as nodeKind } from '../model/node-kind.ts';
import { shapesOf } from '../model/shapes.ts';
import { Executor, type RemoteNodes } from '../operation/execute.ts';
import { endsOf } from '../plugin/fence-hooks.ts';
import type { Runtime } from '../plugin/runtime.ts';
import type { Program } from '../program.ts';
import type { AnyController } from '../reconcile/controller.ts';
import { Engine } from '../reconcile/engine.ts';
import { WorkQueue } from '../reconcile/work-queue.ts';
import { Documents, specKey, stampOf } from '../store/documents.ts';
import { ensureIndex } from '../store/reindex.ts';
import type { Store, Topic } from '../store/store.ts';
import { TaskRunner } from '../task/task-runner.ts';
import { announceAlive } from './announce-alive.ts';
import type { EarlyServices } from './early-services.ts';
import { every } from './every.ts';
import { coreChecks, HealthRunner } from './health-runner.ts';
import { tidy } from './housekeeping.ts';
import { createMetricsPage } from './metrics-page.ts';
import { NodeReport } from './node-report.ts';
import { onlyAsLeader, onlyAsPrimary } from './only-as-primary.ts';
import { tellOfTrouble } from './plugin-troubles.ts';
import { SupervisedServices } from './supervised-services.ts';
import { writeDocuments } from './write-documents.ts';

/** What the daemon gives to whoever serves the API. */
export interface ApiParts {
  readonly host: Host;
  readonly program: Program;
  readonly executor: Executor;
  readonly documents: Documents;
  readonly faults: FaultBook;
  readonly node: string;
  readonly metrics: () => Promise<string>;
  /** What this node tells others of its way to the store. */
  readonly reach: () => Reach;
}

export interface ApiServer {
  close(): Promise<void>;
}

export interface DaemonOptions {
  readonly host: Host;
  readonly program: Program;
  /** The node's name: configured, or the host name. */
  readonly node: string;
  /** Opens the store under a name that only this node's daemon uses. */
  readonly openStore: (owner: string) => Promise<Store>;
  /** Services that run before the store can be reached. */
  readonly early?: EarlyServices;
  /** The ZooKeeper servers and the secret that opens them; undefined where the state is elsewhere. */
  readonly ensemble?: RemoveParts['ensemble'];
  /** How other nodes are asked. */
  readonly remote?: (documents: Documents) => RemoteNodes;
  /** How the coordinators are asked whether they reach the store, and machines whether they are there at all. */
  readonly peers: Peers & Door;
  /** Starts the API; called once everything it shows is there. */
  readonly serve: (parts: ApiParts) => Promise<ApiServer>;
  /** True where systemd is PID 1. */
  readonly systemd: boolean;
}

const reportEveryMs = 10_000;
/** How long uploads and downloads may take to undo what they had begun when the daemon stops. */
const streamsGraceMs = 10_000;
const tidyEveryMs = 10 * 60_000;
/** Time from the end of a lost primary's session until its address is surely gone. */
const afterLossMs = 500;
/** Keys whose change may concern who is primary. */
const matterForPrimary = (key: string): boolean => /^\/(?:primary|alive|cluster)\//.test(key);
/** Keys whose change may concern whose machines are listened to, or what all nodes understand. */
const matterForAllNodes = (key: string): boolean => /^\/(?:primary|cluster|node)\//.test(key);
/** Keys whose change may describe another BMC. */
const tellsOfNode = (key: string): boolean => /^\/node\/[^/]+\/spec$/.test(key);
/** Time that faults of an earlier life have to be raised again before they count as cleared. */
const faultGraceMs = 20_000;

/** Runs until the signal aborts. @throws PvcError when it cannot start */
export async function runDaemon(options: DaemonOptions, stop: AbortSignal): Promise<void> {
  const { host, program, node } = options;
  const { config } = program.loaded;
  const { hooks } = program.plugins;
  const log = host.log.child('daemon');
  // Before the session of an earlier life is ended, which lets another node become primary.
  await dropLeftovers(host, config.directories.run);
  const feeding = new AbortController();
  const watchdog = await Watchdog.of({
    host,
    node,
    peers: options.peers,
    directory: config.directories.run,
    settings: config.watchdog,
  });
  // Before there is a store: in an outage that may be long, and one that an earlier life has armed counts.
  void watchdog?.run(feeding.signal);
  const store = await options.openStore(`daemon-${node}`).catch((error: unknown) => {
    feeding.abort();
    throw error;
  });
  const documents = new Documents(store);
  program.documents = documents;
  const running = new AbortController();
  const { signal } = running;
  try {
    const made = await documents.get(cluster, clusterId);
    if (made === undefined) throw clusterError('CLUSTER_NOT_INITIALISED', { path: sqlitePath(config) });
    refuseTooOld(program.kinds, made.spec, program.version);
    documents.shapes.agree(made.spec.shapes);
    await ensureIndex(documents, program.kinds);
    // Before anything here starts a guest: what is taken from a dead node is taken only while it is not announced. And as
    // soon as can be, since the session of the life before has ended by now.
    const { epoch } = store.session;
    await announceAlive(documents, node, host.clock.wallMs(), (await host.machine.facts()).bootId);
    watchdog?.announced(store.session, epoch);
    // Only coordinators look at every change; a hypervisor is woken by what concerns it.
    const own = await documents.get(nodeKind, node);
    const coordinator = own?.spec.role !== 'hypervisor';
    const topics: Topic[] = coordinator ? ['all', `node:${node}`] : [`node:${node}`];

    const faults = new FaultBook(host, documents, node);
    const services = new SupervisedServices(
      {
        host,
        faults,
        directories: config.directories,
        supervisor: config.services.supervisor,
        systemd: options.systemd,
      },
      options.early?.services ?? [],
      signal,
    );
    options.early?.faults(faults);
    const engine = new Engine({ host, documents, node, faults, guard: (what) => primary.guard(what) });
    const floating = floatingAddress();
    const primary = new PrimaryRole(
      host,
      store,
      node,
      {
        async take(term, released) {
          // A holder that was lost has its address until its lease is over: see docs/decisions/010.
          if (!released) await host.clock.sleep(afterLossMs);
          await floating?.take();
          // A daemon that stood still meanwhile is not primary any more.
          primary.guard('the duties of the primary');
          await hooks.becomePrimary.call({ ...runtime, term });
        },
        async leave(how) {
          // In the reverse order; but what somebody else may have already is dropped first.
          if (how === 'lost') await floating?.drop();
          hooks.becomePrimary.over();
          const failed = await hooks.leavePrimary.call(runtime);
          if (how === 'planned') await floating?.drop();
          return failed.length === 0;
        },
      },
      {
        eligible: () => coordinator,
        wish: async () => (await documents.get(cluster, clusterId))?.spec.primaryWish,
        alive: async (name) => (await store.read(aliveKey(name))) !== undefined,
      },
    );
    const liveness = new Liveness({
      host,
      node,
      session: store.session,
      peers: options.peers,
      faults,
      end: async () => endsOf(await hooks.isolated.call({ node })),
      over: () => hooks.isolated.over(),
    });
    liveness.learn(made.spec);
    program.liveness = liveness;
    const power = new BmcPower(host, documents, () => hooks.power.items().map(({ item }) => item));
    program.power = power;
    const runtime: Runtime = {
      host,
      node,
      documents,
      faults,
      section: (plugin) => program.loaded.section(plugin),
      directories: config.directories,
      certificates:
        made.spec.authority === undefined ? undefined : { ...tlsFiles(config), authority: tlsFiles(config).ca },
      signal,
      isPrimary: () => primary.isPrimary(),
      mayBeCutOff: () => liveness.mayBeCutOff,
      power,
      touch: (kind, id) => engine.touch(kind, id),
      write: (writes, how = {}) =>
        writeDocuments(documents, writes, how.asPrimary === true ? primary.guard('what the primary writes') : [], how),
      async perform(operation, input) {
        const found = program.registry.get(operation);
        if (found?.type !== 'mutation') throw new Error(`there is no mutation ${operation}`);
        return executor.mutate(found, input, { name: 'pvc', role: 'admin', via: 'internal' });
      },
      async ask(operation, input, asked) {
        const found = program.registry.get(operation);
        if (found?.type !== 'query') throw new Error(`there is no query ${operation}`);
        return executor.query(found, input, { name: 'pvc', role: 'admin', via: 'internal' }, asked);
      },
      leaseAddresses,
      supervise: (definition) => services.supervise(definition),
    };
    function leaseAddresses({ name, ...how }: Parameters<Runtime['leaseAddresses']>[0]): LeasedAddresses {
      const record = recordOf(config.directories.run, name);
      return new LeasedAddresses(host, { ...how, record, leaseUntilMs: () => primary.leaseUntilMs });
    }
    /** The cluster's floating address, where there is one and this node may have it. */
    function floatingAddress(): LeasedAddresses | undefined {
      const floating = made?.spec.networks?.cluster?.floating;
      const ownAddress = own?.spec.address;
      if (!coordinator || floating === undefined || ownAddress === undefined) return undefined;
      return leaseAddresses(leaseOfFloating(host, node, { floating, own: ownAddress }, faults));
    }
    tellOfTrouble(program.plugins, faults, log);

    const executor = new Executor({
      host,
      documents,
      localNode: node,
      kinds: program.kinds,
      ...(options.remote === undefined ? {} : { remote: options.remote(documents) }),
      admit: async (operation, plan) => {
        const veto = await hooks.shouldAdmit.call({ operation, plan });
        return veto === undefined ? undefined : { plugin: veto.plugin, reason: veto.answer };
      },
    });

    await hooks.start.call(runtime);

    const tasks = new TaskRunner({
      host,
      documents,
      node,
      definitions: new Map(
        [
          removeNodeTask({
            host,
            documents,
            guard: (what) => primary.guard(what),
            ensemble: options.ensemble ?? (async () => undefined),
          }),
          powerTask(node, power),
          ...hooks.tasks.items().map(({ item }) => item),
        ].map((item) => [item.action, item]),
      ),
      isPrimary: () => primary.isPrimary(),
      guard: (what) => primary.guard(what),
      ended: (target) => engine.touch(target.kind, target.id),
    });
    const steadiness = new Steadiness(store.session, () => host.clock.monotonicMs(), signal);
    const silence = new Silence(runtime, options.peers, {
      leads: () => primary.leads(),
      async depose(name) {
        if (host.clock.monotonicMs() - steadiness.sinceMs < judgeMs) return;
        if (await deposePrimary(documents, name))
          log.warn(`${name} was the primary, is silent and reads off: its role is free`);
      },
    });
    if (coordinator && hooks.power.items().length > 0) void silence.run(signal);
    const startController = (item: AnyController): void => {
      if (item.scope === 'node') return engine.start(item, signal);
      const only = item.scope === 'leader' ? onlyAsLeader : onlyAsPrimary;
      only(primary, signal, (ofRole) => engine.start(item, ofRole));
    };
    for (const item of fenceControllers(runtime, hooks, steadiness, silence)) startController(item);
    for (const { plugin, item } of hooks.controllers.items()) {
      log.debug(`controller ${item.name} of ${plugin.name}`);
      startController(item);
    }

    const bmcChecks = new BmcChecks(runtime);
    // Where no plugin speaks with BMCs there is nothing to be checked.
    if (hooks.power.items().length > 0) onlyAsPrimary(primary, signal, (asPrimary) => void bmcChecks.run(asPrimary));

    const report = new NodeReport({
      host,
      documents,
      node,
      version: program.version,
      shapes: shapesOf(program.kinds),
      hooks,
      faults,
      coordinatorState: () => (coordinator ? primary.state : 'client'),
      services: () => services.statuses(),
      watchdog,
    });
    await report.write('init');

    const metrics = createMetricsPage(
      [...fenceMetrics(runtime), ...hooks.metrics.items().map(({ item }) => item)],
      node,
      host.clock,
      log,
    );
    await faults.adopt(faultGraceMs);
    const health = new HealthRunner(host, faults, node);
    for (const { item } of hooks.health.items()) void health.run(item, signal);
    for (const check of coreChecks(
      (path) => host.files.space(path),
      Object.values(config.directories),
      documents.unreadable,
    ))
      void health.run(check, signal);

    const events = coordinator
      ? await openEvents({
          host,
          directory: config.directories.state,
          kinds: program.kinds,
          tell: (event) => hooks.event.call(event),
          signal,
        })
      : undefined;
    program.events = events?.log;
    /** What the cluster's document says that this node must know without the store. */
    let followed = stampOf(made);
    const followCluster = async (): Promise<void> => {
      const doc = await documents.need(cluster, clusterId);
      const { spec } = doc;
      documents.shapes.agree(spec.shapes);
      liveness.learn(spec);
      followed = stampOf(doc);
    };
    /** A node told something, or the settings are others, since it was looked at last what all nodes understand. */
    let shapesMayRise = true;
    const raise = async (): Promise<void> => {
      shapesMayRise = false;
      try {
        const raised = await raiseShapes(documents, program.kinds, () => primary.guard('the shapes of documents'));
        if (raised.length > 0)
          log.info('every node understands newer documents; they are written from now on', { kinds: raised });
      } catch (error) {
        shapesMayRise = true;
        throw error;
      }
    };
    const reporting = new WorkQueue({
      clock: host.clock,
      concurrency: 1,
      firstBackoffMs: 1_000,
      maxBackoffMs: reportEveryMs,
      work: async () => {
        await report.announce();
        const [own, all] = await documents.stampsOf([
          [nodeKind, node],
          [cluster, clusterId],
        ]);
        await report.write('run', own);
        if (all !== followed) await followCluster();
        if (primary.isPrimary() && shapesMayRise) await raise();
        return reportEveryMs;
      },
      failed: (_, error) => log.warn('the node could not report', { reason: errorText(error) }),
    });
    /** Taken for dead while it lives, it says so; what has become of its guests meanwhile is looked at as after any return. */
    const announceIfGone = async (): Promise<void> => {
      if ((await store.read(aliveKey(node))) !== undefined) return;
      log.warn('this node was taken for dead: it was silent, and its BMC reads off');
      report.announceAgain();
      reporting.add(node);
    };
    const watching = (async () => {
      for await (const dirty of store.watch(topics, signal)) {
        engine.changed(dirty);
        const mayConcern = (matters: (key: string) => boolean): boolean =>
          dirty.resync || [...dirty.keys].some(matters);
        if (mayConcern(matterForPrimary)) primary.poke();
        if (mayConcern(matterForAllNodes)) {
          silence.changed();
          shapesMayRise = true;
        }
        for (const key of dirty.keys)
          if (key.startsWith(aliveKey(''))) engine.touch(nodeKind.name, key.slice(aliveKey('').length));
        if (dirty.keys.has(aliveKey(node)))
          await announceIfGone().catch((error: unknown) =>
            log.warn('whether others see this node could not be read', { reason: errorText(error) }),
          );
        if (mayConcern(tellsOfNode)) bmcChecks.changed();
        events?.observe(documents, dirty);
        if (dirty.keys.has(specKey(cluster, clusterId)))
          await followCluster().catch((error: unknown) =>
            log.warn('the settings of the cluster could not be read', { reason: errorText(error) }),
          );
        await tasks
          .changed(dirty)
          .catch((error: unknown) => log.warn('tasks could not be looked at', { reason: errorText(error) }));
      }
    })();
    const leading = primary.run(signal);
    reporting.add(node);
    liveness.run(signal);
    const unsubscribe = store.session.onChange((state) => {
      log.warn(`the session with the store is ${state}`);
      // What goes with a session must be made again in the next one.
      if (state === 'live') reporting.add(node);
    });
    faults.onChange(() => reporting.add(node));
    if (watchdog !== undefined) tellOfWatchdog(watchdog, faults, node, () => reporting.add(node));
    primary.onChange(() => {
      reporting.add(node);
      if (primary.state !== 'primary') tasks.leavePrimary();
      else
        void tasks
          .changed({ resync: true, keys: new Set() })
          .catch((error: unknown) => log.warn('tasks could not be looked at', { reason: errorText(error) }));
    });
    void every(
      host,
      tidyEveryMs,
      signal,
      async () => {
        if (primary.isPrimary()) await tidy(documents, () => primary.guard('what is no longer needed'));
      },
      (error) => log.warn('tidying up failed', { reason: errorText(error) }),
    );
    // A task that was cut off by a lost wake-up is found again.
    void every(
      host,
      30_000,
      signal,
      async () => tasks.changed({ resync: true, keys: new Set() }),
      (error) => log.warn('tasks could not be looked at', { reason: errorText(error) }),
    );

    if (config.bmc !== undefined) await takeBmcOfFile(runtime, config.bmc);
    const api = await options.serve({
      host,
      program,
      executor,
      documents,
      faults,
      node,
      metrics,
      reach: () => liveness.reach,
    });
    log.info(`${node} runs`, { version: program.version, store: store.backend });
    await new Promise<void>((resolve) =>
      stop.aborted ? resolve() : stop.addEventListener('abort', () => resolve(), { once: true }),
    );

    log.info('stops; guests and services run on');
    unsubscribe();
    await api.close();
    // The doors' end has told them; what they undo is done before what they work with goes.
    await new Promise<void>((resolve) => {
      const cancel = host.clock.after(streamsGraceMs, resolve);
      void executor.streamsEnded().then(() => {
        cancel();
        resolve();
      });
    });
    await tasks.stop();
    await primary
      .relinquish()
      .catch((error: unknown) => log.warn('the primary role could not be given up', { reason: errorText(error) }));
    await reporting.stop();
    running.abort();
    await hooks.stop.call(runtime);
    await Promise.all([
      engine.stop(),
      faults.stop(),
      leading,
      watching.catch((error: unknown) => log.warn('watching the store ended', { reason: errorText(error) })),
    ]);
    await report.write('stop').then(
      () => watchdog?.disarm(),
      // Others may still count on the watchdog, so it counts on.
      (error: unknown) => log.warn('the node could not sign off', { reason: errorText(error) }),
    );
  } finally {
    running.abort();
    feeding.abort();
    await store.close();
  }
}
