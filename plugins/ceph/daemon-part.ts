/** What of storage lives only while a daemon runs: its controllers, tasks, metrics, checks. @module */
import type { AnyController, AnyTaskDefinition, MetricDefinition, Runtime } from '../../core/plugin/api.ts';
import { benchmarkRemoveTask, benchmarkTask } from './benchmark/benchmark-task.ts';
import { cephNodeController } from './cluster/node-controller.ts';
import { cephStatusController } from './cluster/status-controller.ts';
import { CephCommand } from './command/ceph-command.ts';
import type { CephConfig } from './config.ts';
import { storageMetrics } from './health/storage-metrics.ts';
import { osdController } from './osd/osd-controller.ts';
import { OsdDaemons } from './osd/osd-daemons.ts';
import { osdTasks } from './osd/tasks.ts';
import { poolTasks } from './pool/pool-tasks.ts';
import { volumeTasks } from './volume/volume-tasks.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly ceph: CephCommand;
  readonly controllers: readonly AnyController[];
  readonly tasks: readonly AnyTaskDefinition[];
  readonly metrics: readonly MetricDefinition[];
}

export function startDaemonPart(runtime: Runtime): DaemonPart {
  const config = runtime.section('ceph') as CephConfig;
  const ceph = new CephCommand(runtime.host, runtime.signal);
  const patient = ceph.patient();
  const daemons = new OsdDaemons(runtime, patient);
  return {
    runtime,
    ceph,
    controllers: [
      cephNodeController(runtime, patient, config),
      cephStatusController(runtime, ceph),
      osdController(daemons),
    ],
    tasks: [
      ...osdTasks(runtime, patient, daemons),
      ...poolTasks(runtime, patient),
      ...volumeTasks(runtime, patient),
      benchmarkTask(runtime, patient),
      benchmarkRemoveTask(runtime, patient),
    ],
    metrics: storageMetrics(runtime),
  };
}
