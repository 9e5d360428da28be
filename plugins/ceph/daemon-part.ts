/** What of storage lives only while a daemon runs: its controllers, tasks, metrics, checks. @module */
import type { AnyController, AnyTaskDefinition, MetricDefinition, Runtime } from '../../core/plugin/api.ts';
import { benchmarkRemoveTask, benchmarkTask } from './benchmark/benchmark-task.ts';
import { blockController } from './client/block-controller.ts';
import { blockTasks } from './client/block-tasks.ts';
import { blocklistController } from './client/blocklist-controller.ts';
import type { RefusingStorage } from './client/let-in.ts';
import { releaseTask } from './client/lock-operations.ts';
import { refusingCeph } from './client/refusing-ceph.ts';
import { cephId, ceph as cephKind } from './cluster/ceph-kind.ts';
import { cephNodeController } from './cluster/node-controller.ts';
import { addressFact, ownAddressIn } from './cluster/own-address.ts';
import { cephStatusController } from './cluster/status-controller.ts';
import { CephCommand } from './command/ceph-command.ts';
import { CephSession } from './command/session.ts';
import type { CephConfig } from './config.ts';
import { storageMetrics } from './health/storage-metrics.ts';
import { osdDeathController } from './osd/death-controller.ts';
import { osdController } from './osd/osd-controller.ts';
import { OsdDaemons } from './osd/osd-daemons.ts';
import { osdTasks } from './osd/tasks.ts';
import { poolTasks } from './pool/pool-tasks.ts';
import { changeTasks } from './volume/change-tasks.ts';
import { makeTasks } from './volume/make-tasks.ts';
import { snapshotTasks } from './volume/snapshot-tasks.ts';
import { Spool } from './volume/spool.ts';
import { VolumeUsage } from './volume/usage.ts';
import { VolumeBook } from './volume/volume-book.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly ceph: CephCommand;
  readonly refusing: RefusingStorage;
  readonly usage: VolumeUsage;
  readonly spool: Spool;
  /** What the node's document tells of its part in storage. */
  readonly facts: () => Promise<Record<string, string>>;
  readonly controllers: readonly AnyController[];
  readonly tasks: readonly AnyTaskDefinition[];
  readonly metrics: readonly MetricDefinition[];
}

export async function startDaemonPart(runtime: Runtime): Promise<DaemonPart> {
  const config = runtime.section('ceph') as CephConfig;
  const { host, signal } = runtime;
  const ceph = new CephCommand(host, { signal, session: new CephSession(host, signal) });
  const patient = ceph.patient();
  const refusing = refusingCeph({ runtime, ceph });
  const daemons = new OsdDaemons(runtime, patient);
  const book = new VolumeBook(runtime, patient);
  const spool = new Spool(runtime);
  await spool.clear();
  return {
    runtime,
    ceph,
    refusing,
    usage: new VolumeUsage(runtime.host, ceph),
    spool,
    async facts() {
      const doc = await runtime.documents.get(cephKind, cephId);
      const address = doc === undefined ? undefined : await ownAddressIn(runtime, doc.spec.network);
      return address === undefined ? {} : { [addressFact]: address };
    },
    controllers: [
      cephNodeController(runtime, patient, config),
      cephStatusController(runtime, ceph),
      osdController(daemons),
      osdDeathController(runtime, ceph),
      blockController(runtime, refusing),
      blocklistController(runtime, refusing),
    ],
    tasks: [
      ...osdTasks(runtime, patient, daemons),
      ...poolTasks(runtime, patient),
      ...makeTasks(runtime, patient, book),
      ...changeTasks(runtime, patient, book),
      ...snapshotTasks(runtime, patient, book),
      ...blockTasks(runtime, patient, refusingCeph({ runtime, ceph: patient })),
      releaseTask(patient, book),
      benchmarkTask(runtime, patient),
      benchmarkRemoveTask(runtime, patient),
    ],
    metrics: storageMetrics(runtime),
  };
}
