/** What of libvirt lives only while a daemon runs: its link, controller, tasks, metrics, checks. @module */

import type {
  AnyController,
  AnyTaskDefinition,
  Clock,
  HealthCheck,
  MetricDefinition,
  Runtime,
} from '../../core/plugin/api.ts';
import { node } from '../../core/plugin/api.ts';
import { balanceTask } from './balance-task.ts';
import { exportTask } from './export/export-task.ts';
import { importTask } from './export/import-task.ts';
import { GuestControl, type GuestHooks } from './guest-control.ts';
import { autostart, guestController } from './guest-controller.ts';
import type { OpenDriver } from './guest-driver.ts';
import { guestTasks } from './guest-tasks.ts';
import { withoutHalfStarts } from './half-start.ts';
import { libvirtHealth } from './health.ts';
import { probeKvm } from './kvm-probe.ts';
import { leaveTask } from './leave-task.ts';
import { LibvirtLink } from './libvirt-link.ts';
import { driverOf, type LibvirtConfig, libvirtdService, writeQemuSettings } from './libvirtd.ts';
import { guestMetrics } from './metrics.ts';
import { flushTask, readyTask } from './node-tasks.ts';
import { ovaShelf } from './ova/import-operations.ts';
import { ovaTask } from './ova/import-task.ts';
import { peerOf, writePeerAccess } from './peer-access.ts';
import { createTask } from './provision/create-task.ts';
import { imageShelf } from './provision/image-import.ts';
import { imageImportTask } from './provision/image-import-task.ts';
import { imageTasks } from './provision/image-task.ts';
import { Doors, type MetadataDoors } from './provision/metadata/doors.ts';
import { buildDirectory } from './provision/script/build.ts';
import { seedDirectory } from './provision/seed-disk.ts';
import { returnController } from './return-controller.ts';
import { LibvirtSecrets } from './secrets.ts';
import { Shelf } from './shelf.ts';
import { snapshotTasks } from './snapshot/snapshot-tasks.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly control: GuestControl;
  /** Files of callers on their way. */
  readonly ovas: Shelf;
  readonly images: Shelf;
  /** Where guests ask what they are. */
  readonly metadata: MetadataDoors;
  readonly controllers: readonly AnyController[];
  readonly tasks: readonly AnyTaskDefinition[];
  readonly metrics: readonly MetricDefinition[];
  readonly health: readonly HealthCheck[];
  /** Facts for the node's document. */
  facts(): Promise<Readonly<Record<string, string | number | boolean>>>;
}

/** Says for which boot of the machine guests with `autostart` were started. */
const bootMarker = 'libvirt-boot';
/** How soon a QEMU that was updated is seen. */
const versionsMs = 60_000;

export async function startDaemonPart(
  runtime: Runtime,
  hooks: GuestHooks,
  openDriver: OpenDriver,
): Promise<DaemonPart> {
  const config = runtime.section('libvirt') as LibvirtConfig;
  const { host, directories, signal } = runtime;
  const kvm =
    driverOf(config) === 'test'
      ? { works: false, reason: 'libvirt’s test driver runs no guests' }
      : await probeKvm(host, directories.state, config.emulator);
  let restart: (() => Promise<void>) | undefined;
  if (config.manage) {
    await writeQemuSettings(host, config.qemu);
    const own = (await runtime.documents.get(node, runtime.node))?.spec.address;
    const listens = own !== undefined && runtime.certificates !== undefined;
    const changed =
      listens &&
      runtime.certificates !== undefined &&
      (await writePeerAccess(host, directories.state, own, runtime.certificates));
    const service = runtime.supervise(libvirtdService(host, config, listens));
    // One that runs already does not listen yet; guests do not notice its restart.
    if (changed) await service.restart();
    restart = () => service.restart();
  }
  const link = new LibvirtLink(runtime, config, withoutHalfStarts(openDriver, restart));
  const versionsOf = askedSeldom(host.clock, versionsMs, () => link.driver.versions());
  const secrets = new LibvirtSecrets(runtime, link, hooks.secrets);
  const control = new GuestControl(runtime, config, kvm, link, hooks, secrets);
  void link.run(signal);
  void secrets.run(signal);
  // A guest that comes from another node writes its console here from the first moment.
  await host.files.makeDirectory(`${directories.log}/console`, 0o750);
  for (const scratch of [seedDirectory(directories.run), buildDirectory(directories.run)])
    await host.files.remove(scratch);
  const [ovas, images] = [new Shelf(runtime, ovaShelf), new Shelf(runtime, imageShelf)];
  await ovas.clear();
  await images.clear();
  await startWithTheNode(runtime);
  return {
    runtime,
    ...{ ovas, images },
    control,
    metadata: new Doors(runtime),
    controllers: [guestController(runtime, control), returnController(runtime)],
    tasks: [
      ...guestTasks(runtime, control, peerOf(directories.state)),
      ...snapshotTasks(runtime, control, hooks.volumes),
      exportTask(runtime, hooks.volumes),
      importTask(runtime, hooks.volumes),
      ovaTask(runtime, hooks.volumes),
      ...imageTasks(runtime, hooks.volumes),
      imageImportTask(runtime, hooks.volumes),
      createTask(runtime, hooks.volumes),
      flushTask(runtime),
      readyTask(runtime),
      leaveTask(runtime, control, config.leaveSeconds),
      balanceTask(runtime),
    ],
    metrics: guestMetrics(control),
    health: [libvirtHealth(runtime.node, link)],
    async facts() {
      const known = {
        accelerator: kvm.works ? 'kvm' : 'tcg',
        ...(kvm.works ? {} : { 'why not kvm': kvm.reason }),
        connected: link.connected,
        ...(config.sharedPaths.length === 0 ? {} : { 'shared paths': config.sharedPaths.join(':') }),
      };
      if (!link.connected) return known;
      const versions = await versionsOf();
      const guests = link.listed ?? (await link.list());
      return {
        ...known,
        libvirt: versions.libvirt,
        qemu: versions.hypervisor,
        guests: guests.filter((guest) => guest.id !== -1).length,
      };
    },
  };
}

/** What was answered is given again until it is that old: an answer that changes with updates need not be asked for each time. */
function askedSeldom<T>(clock: Clock, oldMs: number, ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; readonly answer: T } | undefined;
  return async () => {
    const atMs = clock.monotonicMs();
    if (last === undefined || atMs - last.atMs >= oldMs) last = { atMs, answer: await ask() };
    return last.answer;
  };
}

/** Once a boot of the machine: guests that are to run when their node does. */
async function startWithTheNode(runtime: Runtime): Promise<void> {
  const { host, directories } = runtime;
  const { bootId } = await host.machine.facts();
  const marker = `${directories.state}/${bootMarker}`;
  if ((await host.files.readText(marker)) === bootId) return;
  for (const name of await autostart(runtime)) host.log.info(`${name} is started with its node`);
  await host.files.writeAtomic(marker, bootId, 0o600);
}
