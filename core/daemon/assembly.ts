/**
 * The parts of a daemon that need each other: the role of the primary, controllers' engine, what operations run on, and
 * what plugins get of all that. Nothing of them is at work yet.
 * @module
 */
import { leaseOfFloating } from '../cluster/floating-address.ts';
import { Liveness } from '../cluster/isolation/liveness.ts';
import { LeasedAddresses, recordOf } from '../cluster/leased-addresses.ts';
import { BmcPower } from '../cluster/power/bmc-power.ts';
import { PrimaryRole } from '../cluster/primary.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import { FaultBook } from '../fault/fault-book.ts';
import { type ClusterSpec, cluster, clusterId } from '../model/cluster-kind.ts';
import type { Doc } from '../model/kind.ts';
import { aliveKey, type NodeSpec, type NodeStatus } from '../model/node-kind.ts';
import { Executor } from '../operation/execute.ts';
import { endsOf } from '../plugin/fence-hooks.ts';
import type { Runtime } from '../plugin/runtime.ts';
import { Engine } from '../reconcile/engine.ts';
import type { Documents } from '../store/documents.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { SupervisedServices } from './supervised-services.ts';
import { writeDocuments } from './write-documents.ts';

export interface Assembly extends Pick<DaemonOptions, 'host' | 'program' | 'node'> {
  readonly documents: Documents;
  /** A hypervisor is never primary, and is woken only by what concerns it. */
  readonly coordinator: boolean;
  readonly faults: FaultBook;
  readonly services: SupervisedServices;
  readonly engine: Engine;
  readonly primary: PrimaryRole;
  readonly liveness: Liveness;
  readonly power: BmcPower;
  readonly runtime: Runtime;
  readonly executor: Executor;
}

/** What the store said when the daemon came up. */
export interface Known {
  readonly made: Doc<ClusterSpec, null>;
  /** Undefined: this node is not in the store yet. */
  readonly own: Doc<NodeSpec, NodeStatus> | undefined;
}

/** Time from the end of a lost primary's session until its address is surely gone. */
const afterLossMs = 500;

/** @param signal aborts when the daemon ends */
export function assembleDaemon(
  options: DaemonOptions,
  documents: Documents,
  { made, own }: Known,
  signal: AbortSignal,
): Assembly {
  const { host, program, node } = options;
  const { config } = program.loaded;
  const { hooks } = program.plugins;
  const { store } = documents;
  const coordinator = own?.spec.role !== 'hypervisor';
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
  const engine = new Engine({ host, documents, node, faults, guard: (what) => primary.guard(what) });
  const leaseAddresses = ({ name, ...how }: Parameters<Runtime['leaseAddresses']>[0]): LeasedAddresses => {
    const record = recordOf(config.directories.run, name);
    return new LeasedAddresses(host, { ...how, record, leaseUntilMs: () => primary.leaseUntilMs });
  };
  /** The cluster's floating address, where there is one and this node may have it. */
  const floatingAddress = (): LeasedAddresses | undefined => {
    const floating = made.spec.networks?.cluster?.floating;
    const ownAddress = own?.spec.address;
    if (!coordinator || floating === undefined || ownAddress === undefined) return undefined;
    return leaseAddresses(leaseOfFloating(host, node, { floating, own: ownAddress }, faults));
  };
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
  const power = new BmcPower(host, documents, () => hooks.power.items().map(({ item }) => item));
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
  return {
    ...{ host, program, node, documents, coordinator },
    ...{ faults, services, engine, primary, liveness, power, runtime, executor },
  };
}
