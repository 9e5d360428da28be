/**
 * The daemon from top to bottom: store, plugins, controllers, tasks, API; and its end, which leaves
 * guests and services running.
 * @module
 */
import { cluster, clusterError, clusterId } from '../cluster/cluster-kind.ts';
import { sqlitePath } from '../cluster/open-store.ts';
import { PrimaryRole } from '../cluster/primary.ts';
import { errorText } from '../error/error.ts';
import { openEvents } from '../event/open-events.ts';
import { FaultBook, faultId } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import { modelError } from '../model/kind.ts';
import { node as nodeKind } from '../model/node-kind.ts';
import { Executor, type RemoteNodes } from '../operation/execute.ts';
import type { Runtime } from '../plugin/runtime.ts';
import type { Trouble } from '../plugin/tap-guard.ts';
import type { Program } from '../program.ts';
import { Engine } from '../reconcile/engine.ts';
import { WorkQueue } from '../reconcile/work-queue.ts';
import { directControl, systemdControl } from '../service/direct.ts';
import { SupervisedService } from '../service/supervise.ts';
import { commitOf, Documents } from '../store/documents.ts';
import { ensureIndex } from '../store/reindex.ts';
import { type Store, storeError, type Topic } from '../store/store.ts';
import { TaskRunner } from '../task/task-runner.ts';
import type { EarlyServices } from './early-services.ts';
import { coreChecks, HealthRunner } from './health-runner.ts';
import { tidy } from './housekeeping.ts';
import { createMetricsPage } from './metrics-page.ts';
import { NodeReport } from './node-report.ts';

/** What the daemon gives to whoever serves the API. */
export interface ApiParts {
  readonly host: Host;
  readonly program: Program;
  readonly executor: Executor;
  readonly documents: Documents;
  readonly faults: FaultBook;
  readonly node: string;
  readonly metrics: () => Promise<string>;
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
  /** How other nodes are asked. */
  readonly remote?: (documents: Documents) => RemoteNodes;
  /** Starts the API; called once everything it shows is there. */
  readonly serve: (parts: ApiParts) => Promise<ApiServer>;
  /** True where systemd is PID 1. */
  readonly systemd: boolean;
}

const reportEveryMs = 10_000;
const tidyEveryMs = 10 * 60_000;
/** Time that faults of an earlier life have to be raised again before they count as cleared. */
const faultGraceMs = 20_000;

/** Runs until the signal aborts. @throws PvcError when it cannot start */
export async function runDaemon(options: DaemonOptions, stop: AbortSignal): Promise<void> {
  const { host, program, node } = options;
  const { config } = program.loaded;
  const { hooks } = program.plugins;
  const log = host.log.child('daemon');
  const store = await options.openStore(`daemon-${node}`);
  const documents = new Documents(store);
  program.documents = documents;
  const running = new AbortController();
  const { signal } = running;
  try {
    if ((await documents.get(cluster, clusterId)) === undefined)
      throw clusterError('CLUSTER_NOT_INITIALISED', { path: sqlitePath(config) });
    await ensureIndex(documents, program.kinds);
    // Only coordinators look at every change; a hypervisor is woken by what concerns it.
    const coordinator = (await documents.get(nodeKind, node))?.spec.role !== 'hypervisor';
    const topics: Topic[] = coordinator ? ['all', `node:${node}`] : [`node:${node}`];

    const faults = new FaultBook(host, documents, node);
    const services: SupervisedService[] = [...(options.early?.services ?? [])];
    options.early?.faults(faults);
    const engine = new Engine({ host, documents, node, faults });
    const primary = new PrimaryRole(host, store, node, {
      take: async (term) => hooks.becomePrimary.call({ ...runtime, term }),
      leave: async () => hooks.leavePrimary.call(runtime),
    });
    const runtime: Runtime = {
      host,
      node,
      documents,
      faults,
      section: (plugin) => program.loaded.section(plugin),
      directories: config.directories,
      signal,
      isPrimary: () => primary.isPrimary(),
      touch: (kind, id) => engine.touch(kind, id),
      write: (writes) => writeDocuments(store, writes),
      async perform(operation, input) {
        const found = program.registry.get(operation);
        if (found?.type !== 'mutation') throw new Error(`there is no mutation ${operation}`);
        return executor.mutate(found, input, { name: 'pvc', role: 'admin', via: 'internal' });
      },
      supervise(definition) {
        const useSystemd =
          config.services.supervisor === 'systemd' || (config.services.supervisor === 'auto' && options.systemd);
        const control = useSystemd
          ? systemdControl(host, definition)
          : directControl(host, definition, config.directories);
        const service = new SupervisedService(host, definition, control, faults);
        services.push(service);
        void service
          .run(signal)
          .catch((error: unknown) => log.error(`looking after ${definition.name} ended`, { reason: errorText(error) }));
        return { status: () => service.status };
      },
    };
    const troubleId = (trouble: Trouble): string =>
      faultId(`plugin.${trouble.where.replace(/\W+/g, '-')}`, trouble.plugin);
    program.plugins.onTrouble({
      began(trouble) {
        log.warn(`plugin ${trouble.plugin}, ${trouble.where}: ${trouble.message}`);
        faults.raise(troubleId(trouble), {
          severity: 'warning',
          message: `The plugin ${trouble.plugin} has failed (${trouble.where}): ${trouble.message}`,
          hint: `The node works on without it. See \`pvc plugin show ${trouble.plugin}\`.`,
          object: `plugin ${trouble.plugin}`,
        });
      },
      ended: (trouble) => faults.clear(troubleId(trouble)),
    });

    const executor = new Executor({
      host,
      documents,
      localNode: node,
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
      definitions: new Map(hooks.tasks.items().map(({ item }) => [item.action, item])),
      isPrimary: () => primary.isPrimary(),
      ended: (target) => engine.touch(target.kind, target.id),
    });
    for (const { plugin, item } of hooks.controllers.items()) {
      log.debug(`controller ${item.name} of ${plugin.name}`);
      if (item.scope === 'node') engine.start(item, signal);
      else void onlyAsPrimary(host, primary, signal, (asPrimary) => engine.start(item, asPrimary));
    }

    const report = new NodeReport({
      host,
      documents,
      node,
      version: program.version,
      hooks,
      faults,
      coordinatorState: () => primary.state,
      services: () => services.map((service) => service.status),
    });
    await report.announce();
    await report.write('init');
    const unsubscribe = store.session.onChange((state) => {
      log.warn(`the session with the store is ${state}`);
      if (state === 'live')
        void report
          .announce()
          .catch((error: unknown) => log.warn('the node could not announce itself', { reason: errorText(error) }));
    });

    const metrics = createMetricsPage(
      hooks.metrics.items().map(({ item }) => item),
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
    const watching = (async () => {
      for await (const dirty of store.watch(topics, signal)) {
        engine.changed(dirty);
        events?.observe(documents, dirty);
        await tasks
          .changed(dirty)
          .catch((error: unknown) => log.warn('tasks could not be looked at', { reason: errorText(error) }));
      }
    })();
    const leading = primary.run(signal);
    const reporting = new WorkQueue({
      clock: host.clock,
      concurrency: 1,
      firstBackoffMs: 1_000,
      maxBackoffMs: reportEveryMs,
      work: async () => {
        await report.write('run');
        return reportEveryMs;
      },
      failed: (_, error) => log.warn('the node could not report', { reason: errorText(error) }),
    });
    reporting.add(node);
    faults.onChange(() => reporting.add(node));
    void every(
      host,
      tidyEveryMs,
      signal,
      async () => {
        if (primary.isPrimary()) await tidy(documents);
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

    const api = await options.serve({ host, program, executor, documents, faults, node, metrics });
    log.info(`${node} runs`, { version: program.version, store: store.backend });
    await new Promise<void>((resolve) =>
      stop.aborted ? resolve() : stop.addEventListener('abort', () => resolve(), { once: true }),
    );

    log.info('stops; guests and services run on');
    unsubscribe();
    await api.close();
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
    await report
      .write('stop')
      .catch((error: unknown) => log.warn('the node could not sign off', { reason: errorText(error) }));
  } finally {
    running.abort();
    await store.close();
  }
}

/** Writes documents for a plugin. @throws PvcError OBJECT_CHANGED, STORE_UNKNOWN */
async function writeDocuments(store: Store, writes: Parameters<typeof commitOf>[0]): Promise<void> {
  const { ops, topics } = commitOf(writes);
  const result = await store.commit(ops, topics);
  switch (result.outcome) {
    case 'ok':
      return;
    case 'conflict': {
      const [, kind = '', id = ''] = result.key.split('/');
      throw modelError('OBJECT_CHANGED', { kind, id });
    }
    case 'unknown':
      throw storeError('STORE_UNKNOWN', { what: `a write of ${writes.length} documents` }, { cause: result.cause });
  }
}

/** Runs something only while this node is primary. */
async function onlyAsPrimary(
  host: Pick<Host, 'clock'>,
  primary: PrimaryRole,
  signal: AbortSignal,
  start: (signal: AbortSignal) => void,
): Promise<void> {
  let current: AbortController | undefined;
  while (!signal.aborted) {
    if (primary.isPrimary() && current === undefined) {
      current = new AbortController();
      start(AbortSignal.any([signal, current.signal]));
    } else if (!primary.isPrimary() && current !== undefined) {
      current.abort();
      current = undefined;
    }
    await host.clock.sleep(500, signal).catch(() => undefined);
  }
}

async function every(
  host: Pick<Host, 'clock'>,
  pauseMs: number,
  signal: AbortSignal,
  run: () => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await run().catch((error: unknown) => {
      if (!signal.aborted) failed(error);
    });
    await host.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
