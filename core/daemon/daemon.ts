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
import { Silence } from '../cluster/fence/silence.ts';
import { Watchdog } from '../cluster/isolation/watchdog.ts';
import { tellOfWatchdog } from '../cluster/isolation/watchdog-fault.ts';
import { dropLeftovers } from '../cluster/leased-addresses.ts';
import { sqlitePath } from '../cluster/open-store.ts';
import { BmcChecks } from '../cluster/power/bmc-checks.ts';
import { takeBmcOfFile } from '../cluster/power/own-bmc.ts';
import { powerTask } from '../cluster/power/power-task.ts';
import { removeNodeTask } from '../cluster/remove-node.ts';
import { refuseTooOld } from '../cluster/shape-gate.ts';
import { errorText } from '../error/error.ts';
import { type Events, openEvents } from '../event/open-events.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { node as nodeKind } from '../model/node-kind.ts';
import { shapesOf } from '../model/shapes.ts';
import type { AnyController } from '../reconcile/controller.ts';
import { WorkQueue } from '../reconcile/work-queue.ts';
import { Documents } from '../store/documents.ts';
import { ensureIndex } from '../store/reindex.ts';
import type { AnyTaskDefinition } from '../task/task-definition.ts';
import { TaskRunner } from '../task/task-runner.ts';
import { announceAlive } from './announce-alive.ts';
import { type Assembly, assembleDaemon } from './assembly.ts';
import { ClusterSettings } from './cluster-settings.ts';
import type { ApiServer, DaemonOptions } from './daemon-options.ts';
import { every } from './every.ts';
import { coreChecks, HealthRunner } from './health-runner.ts';
import { tidy } from './housekeeping.ts';
import { createMetricsPage } from './metrics-page.ts';
import { NodeReport } from './node-report.ts';
import { onlyAsLeader, onlyAsPrimary } from './only-as-primary.ts';
import { tellOfTrouble } from './plugin-troubles.ts';
import { watchStore } from './watch-store.ts';

const reportEveryMs = 10_000;
/** How long uploads and downloads may take to undo what they had begun when the daemon stops. */
const streamsGraceMs = 10_000;
const tidyEveryMs = 10 * 60_000;
/** A task that was cut off by a lost wake-up is found again. */
const tasksEveryMs = 30_000;
/** Time that faults of an earlier life have to be raised again before they count as cleared. */
const faultGraceMs = 20_000;

/** Runs until the signal aborts. @throws PvcError when it cannot start */
export async function runDaemon(options: DaemonOptions, stop: AbortSignal): Promise<void> {
  const { host, program, node } = options;
  const { directories, watchdog: settings } = program.loaded.config;
  // Before the session of an earlier life is ended, which lets another node become primary.
  await dropLeftovers(host, directories.run);
  const feeding = new AbortController();
  const watchdog = await Watchdog.of({ host, node, peers: options.peers, directory: directories.run, settings });
  // Before there is a store: in an outage that may be long, and one that an earlier life has armed counts.
  void watchdog?.run(feeding.signal);
  const store = await options.openStore(`daemon-${node}`).catch((error: unknown) => {
    feeding.abort();
    throw error;
  });
  const running = new AbortController();
  try {
    const documents = new Documents(store);
    program.documents = documents;
    await live(options, documents, watchdog, running, stop);
  } finally {
    running.abort();
    feeding.abort();
    await store.close();
  }
}

/** From the first look into the store to the node's last word. */
async function live(
  options: DaemonOptions,
  documents: Documents,
  watchdog: Watchdog | undefined,
  running: AbortController,
  stop: AbortSignal,
): Promise<void> {
  const { host, program, node } = options;
  const { config } = program.loaded;
  const { hooks } = program.plugins;
  const { store } = documents;
  const { signal } = running;
  const log = host.log.child('daemon');
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
  const own = await documents.get(nodeKind, node);

  const assembly = assembleDaemon(options, documents, { made, own }, signal);
  const { coordinator, faults, services, engine, primary, liveness, power, runtime, executor } = assembly;
  program.liveness = liveness;
  program.power = power;
  options.early?.faults(faults);
  tellOfTrouble(program.plugins, faults, log);
  await hooks.start.call(runtime);

  const tasks = taskRunner(assembly, options);
  const { silence, bmcChecks } = startControllers(assembly, options);
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
  startHealthChecks(assembly, signal);
  const events = coordinator ? await openLog(assembly, signal) : undefined;
  program.events = events?.log;

  const settings = new ClusterSettings(assembly, made, log);
  const reporting = new WorkQueue({
    clock: host.clock,
    concurrency: 1,
    firstBackoffMs: 1_000,
    maxBackoffMs: reportEveryMs,
    work: async () => {
      await report.announce();
      const [ownStamp, clusterStamp] = await documents.stampsOf([
        [nodeKind, node],
        [cluster, clusterId],
      ]);
      await report.write('run', ownStamp);
      await settings.followIfChanged(clusterStamp);
      await settings.raiseShapes();
      return reportEveryMs;
    },
    failed: (_, error) => log.warn('the node could not report', { reason: errorText(error) }),
  });
  /** It says that it lives; what has become of its guests meanwhile is looked at as after any return. */
  const takenForDead = (): void => {
    log.warn('this node was taken for dead: it was silent, and its BMC reads off');
    report.announceAgain();
    reporting.add(node);
  };
  const watching = watchStore(assembly, { silence, settings, bmcChecks, tasks, events, takenForDead }, signal);
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
  const tasksUnseen = (error: unknown): void => log.warn('tasks could not be looked at', { reason: errorText(error) });
  const lookAtTasks = (): Promise<void> => tasks.changed({ resync: true, keys: new Set() });
  primary.onChange(() => {
    reporting.add(node);
    if (primary.state !== 'primary') tasks.leavePrimary();
    else void lookAtTasks().catch(tasksUnseen);
  });
  const tidyUp = async (): Promise<void> => {
    if (primary.isPrimary()) await tidy(documents, () => primary.guard('what is no longer needed'));
  };
  void every(host, tidyEveryMs, signal, tidyUp, (error) => log.warn('tidying up failed', { reason: errorText(error) }));
  void every(host, tasksEveryMs, signal, lookAtTasks, tasksUnseen);

  if (config.bmc !== undefined) await takeBmcOfFile(runtime, config.bmc);
  const reach = () => liveness.reach;
  const api = await options.serve({ host, program, executor, documents, faults, node, metrics, reach });
  log.info(`${node} runs`, { version: program.version, store: store.backend });
  await new Promise<void>((resolve) =>
    stop.aborted ? resolve() : stop.addEventListener('abort', () => resolve(), { once: true }),
  );

  log.info('stops; guests and services run on');
  unsubscribe();
  await closeApi(assembly, api);
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
}

function taskRunner(
  { host, program, documents, node, engine, primary, power }: Assembly,
  { ensemble = async () => undefined }: Pick<DaemonOptions, 'ensemble'>,
): TaskRunner {
  const guard: Assembly['primary']['guard'] = (what) => primary.guard(what);
  const definitions: AnyTaskDefinition[] = [
    removeNodeTask({ host, documents, guard, ensemble }),
    powerTask(node, power),
    ...program.plugins.hooks.tasks.items().map(({ item }) => item),
  ];
  return new TaskRunner({
    host,
    documents,
    node,
    definitions: new Map(definitions.map((item) => [item.action, item])),
    isPrimary: () => primary.isPrimary(),
    guard,
    ended: (target) => engine.touch(target.kind, target.id),
  });
}

/** Core's and the plugins' controllers, each in the role that it is for; and what looks at the machines of other nodes. */
function startControllers(
  { host, program, documents, coordinator, engine, primary, runtime }: Assembly,
  { peers }: Pick<DaemonOptions, 'peers'>,
): { silence: Silence; bmcChecks: BmcChecks } {
  const { hooks } = program.plugins;
  const { signal } = runtime;
  const log = host.log.child('daemon');
  // Where no plugin speaks with BMCs there is nothing to be asked.
  const speaksWithBmcs = hooks.power.items().length > 0;
  const steadiness = new Steadiness(documents.store.session, () => host.clock.monotonicMs(), signal);
  const silence = new Silence(runtime, peers, {
    leads: () => primary.leads(),
    async depose(name) {
      if (host.clock.monotonicMs() - steadiness.sinceMs < judgeMs) return;
      if (await deposePrimary(documents, name))
        log.warn(`${name} was the primary, is silent and reads off: its role is free`);
    },
  });
  if (coordinator && speaksWithBmcs) void silence.run(signal);
  const start = (item: AnyController): void => {
    if (item.scope === 'node') return engine.start(item, signal);
    const only = item.scope === 'leader' ? onlyAsLeader : onlyAsPrimary;
    only(primary, signal, (ofRole) => engine.start(item, ofRole));
  };
  for (const item of fenceControllers(runtime, hooks, steadiness, silence)) start(item);
  for (const { plugin, item } of hooks.controllers.items()) {
    log.debug(`controller ${item.name} of ${plugin.name}`);
    start(item);
  }
  const bmcChecks = new BmcChecks(runtime);
  if (speaksWithBmcs) onlyAsPrimary(primary, signal, (asPrimary) => void bmcChecks.run(asPrimary));
  return { silence, bmcChecks };
}

function startHealthChecks({ host, program, documents, node, faults }: Assembly, signal: AbortSignal): void {
  const health = new HealthRunner(host, faults, node);
  const ofCore = coreChecks(
    (path) => host.files.space(path),
    Object.values(program.loaded.config.directories),
    documents.unreadable,
  );
  for (const { item } of program.plugins.hooks.health.items()) void health.run(item, signal);
  for (const check of ofCore) void health.run(check, signal);
}

function openLog({ host, program }: Assembly, signal: AbortSignal): Promise<Events> {
  const directory = program.loaded.config.directories.state;
  const { hooks } = program.plugins;
  return openEvents({ host, directory, kinds: program.kinds, tell: (event) => hooks.event.call(event), signal });
}

/** Its doors' end has told whoever uploads and downloads; what they undo is done before what they work with goes. */
async function closeApi({ host, executor }: Assembly, api: ApiServer): Promise<void> {
  await api.close();
  await new Promise<void>((resolve) => {
    const cancel = host.clock.after(streamsGraceMs, resolve);
    void executor.streamsEnded().then(() => {
      cancel();
      resolve();
    });
  });
}
