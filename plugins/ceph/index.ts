/** ceph: the storage of the cluster, which PVC makes, runs and mends. See README.md. @module */
import { definePlugin, orNotNow, type PluginDefinition } from '../../core/plugin/api.ts';
import { benchmark } from './benchmark/benchmark-kind.ts';
import { benchmarkOperations } from './benchmark/operations.ts';
import { storageBlock } from './client/block-kind.ts';
import { blockOperations } from './client/block-operations.ts';
import { tapGuests } from './client/guest-disk.ts';
import { lockOperations } from './client/lock-operations.ts';
import { ceph, cephId, cephSecret, nothingKnown } from './cluster/ceph-kind.ts';
import { storageLine } from './cluster/figures.ts';
import { storageFromInit } from './cluster/make-storage.ts';
import { clusterOperations } from './cluster/operations.ts';
import type { CephCommand } from './command/ceph-command.ts';
import { cephError } from './command/errors.ts';
import { cephConfig } from './config.ts';
import type { DaemonPart } from './daemon-part.ts';
import { deviceOperations } from './device/operations.ts';
import { tapMachines } from './osd/machine-disks.ts';
import { osdOperations } from './osd/operations.ts';
import { osd } from './osd/osd-kind.ts';
import { poolOperations } from './pool/operations.ts';
import { pool } from './pool/pool-kind.ts';
import { copyOperations } from './volume/copy-operations.ts';
import { volumeOperations } from './volume/operations.ts';
import { volumeQueries } from './volume/query-operations.ts';
import { snapshotOperations } from './volume/snapshot-operations.ts';
import { transferOperations } from './volume/transfer-operations.ts';
import { volume } from './volume/volume-kind.ts';

export const cephPlugin: PluginDefinition = definePlugin({
  name: 'ceph',
  api: '^1',
  summary: 'replicated storage through Ceph',
  apply(pvc) {
    let running: DaemonPart | undefined;
    const need = (): DaemonPart => {
      if (running === undefined) throw cephError('CEPH_NOT_STARTED', {});
      return running;
    };
    const command = (): CephCommand => need().ceph;
    tapGuests(pvc, need);
    tapMachines(pvc, () => need().runtime);
    pvc.hooks.config.tap(() => [cephConfig]);
    pvc.hooks.kinds.tap(() => [ceph, cephSecret, osd, pool, volume, storageBlock, benchmark]);
    pvc.hooks.operations.tap(() => [
      ...clusterOperations(() => need().runtime),
      ...deviceOperations(command),
      ...osdOperations(command, () => need().runtime),
      ...poolOperations(command),
      ...volumeOperations(command),
      ...benchmarkOperations(command),
      ...copyOperations(command),
      ...snapshotOperations(command),
      ...transferOperations(need),
      ...blockOperations(command),
      ...lockOperations(command),
      ...volumeQueries(command, () => need().usage),
    ]);
    pvc.hooks.clusterInit.tap(() => [storageFromInit]);
    pvc.hooks.counters.tap(async ({ view, nowMs }): Promise<Record<string, string>> => {
      const doc = await view.get(ceph, cephId);
      return doc === undefined ? {} : { Storage: storageLine(doc.status ?? nothingKnown, nowMs) };
    });
    pvc.hooks.start.tap(async (runtime) => {
      // Not above: a command line needs neither controllers nor tasks.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = await startDaemonPart(runtime);
    });
    pvc.hooks.keepalive.tap(async () => (await running?.facts()) ?? {});
    pvc.hooks.fence.tap((about) =>
      orNotNow(async () => (await import('./client/fence.ts')).fenceFromStorage(need(), about)),
    );
    pvc.hooks.returning.tap(({ node }) =>
      orNotNow(async () => {
        const { runtime, refusing } = need();
        return (await import('./client/let-in.ts')).whyNotYet(runtime, refusing, node);
      }),
    );
    pvc.hooks.unfence.tap(({ node }) =>
      orNotNow(async () => {
        const { runtime, refusing } = need();
        return (await import('./client/let-in.ts')).letInAgain(runtime, refusing, node);
      }),
    );
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.tasks.tap(() => need().tasks);
    pvc.hooks.metrics.tap(() => need().metrics);
  },
});
