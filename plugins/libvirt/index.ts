/** libvirt: guests on this node through libvirt's own protocol. See README.md. @module */
import { definePlugin, type FoldHook, PvcError, type Runtime } from '../../core/plugin/api.ts';
import type { XmlElement } from './domain/xml.ts';
import { autostart, guestController } from './guest-controller.ts';
import { type DomainHookAbout, GuestControl } from './guest-control.ts';
import { guestTasks } from './guest-tasks.ts';
import { libvirtHealth } from './health.ts';
import { probeKvm } from './kvm-probe.ts';
import { type LibvirtConfig, libvirtConfig, libvirtdService, writeQemuSettings } from './libvirtd.ts';
import { LibvirtLink } from './libvirt-link.ts';
import { guestMetrics } from './metrics.ts';
import { changeOperations } from './operations/change.ts';
import { consoleOperations } from './operations/console.ts';
import { defineOperations } from './operations/define.ts';
import { powerOperations } from './operations/power.ts';
import { queryOperations } from './operations/query.ts';
import { vm, vmStates } from './vm-kind.ts';

/** What other plugins may tap of this one. */
declare module '../../core/plugin/plugin.ts' {
  interface PluginHooks {
    /**
     * Before a guest is started, and whenever its document is compared with what runs: change the domain's
     * tree and return it. Must be pure: the same guest gives the same tree, or it is taken for changed.
     */
    'libvirt.domain': (root: XmlElement, about: DomainHookAbout) => XmlElement | Promise<XmlElement>;
  }
}

/** The parts that live only while the daemon runs. */
interface Running {
  readonly runtime: Runtime;
  readonly control: GuestControl;
}

const bootMarker = 'libvirt-boot';

export const libvirt = definePlugin({
  name: 'libvirt',
  api: '^1',
  summary: 'virtual machines through libvirt and QEMU',
  apply(pvc) {
    let running: Running | undefined;
    const need = (): Running => {
      if (running === undefined) throw new PvcError('LIBVIRT_NOT_STARTED', 'The libvirt part of this daemon has not started yet.', { hint: 'Try again in a moment.', http: 503, exit: 'unreachable' });
      return running;
    };
    const domainHook: FoldHook<XmlElement, DomainHookAbout> = pvc.offer('libvirt.domain', 5_000);

    pvc.hooks.config.tap(() => [libvirtConfig]);
    pvc.hooks.kinds.tap(() => [vm]);
    pvc.hooks.operations.tap(() => [
      ...queryOperations(() => need().control),
      ...defineOperations,
      ...changeOperations,
      ...powerOperations,
      ...consoleOperations(
        () => need().control,
        () => need().runtime,
      ),
    ]);
    pvc.hooks.counters.tap(() => [
      async ({ view }) => {
        const guests = await view.list(vm);
        const counts = vmStates.map((state) => [state, guests.filter((guest) => (guest.status?.state ?? 'stopped') === state).length] as const).filter(([, count]) => count > 0);
        return { Guests: guests.length, ...Object.fromEntries(counts.map(([state, count]) => [`Guests ${state}`, count])) };
      },
    ]);

    pvc.hooks.start.tap(async (runtime) => {
      const config = runtime.section('libvirt') as LibvirtConfig;
      const { host, directories, signal } = runtime;
      const kvm = await probeKvm(host, directories.state, config.emulator);
      if (config.manage) {
        await writeQemuSettings(host, config.qemu);
        runtime.supervise(libvirtdService(host, config));
      }
      const link = new LibvirtLink(runtime, config);
      running = { runtime, control: new GuestControl(runtime, config, kvm, link, domainHook) };
      void link.run(signal);
      const { bootId } = await host.machine.facts();
      const marker = `${directories.state}/${bootMarker}`;
      if ((await host.files.readText(marker)) !== bootId) {
        for (const name of await autostart(runtime)) host.log.info(`${name} is started with its node`);
        await host.files.writeAtomic(marker, bootId, 0o600);
      }
    });
    pvc.hooks.controllers.tap(() => [guestController(need().runtime, need().control)]);
    pvc.hooks.tasks.tap(() => guestTasks(need().runtime, need().control));
    pvc.hooks.metrics.tap(() => guestMetrics(need().control));
    pvc.hooks.health.tap(() => [
      libvirtHealth(
        () => need().runtime.node,
        () => need().control.link,
      ),
    ]);
    pvc.hooks.keepalive.tap(async () => {
      const { control } = need();
      const facts = { accelerator: control.kvm.works ? 'kvm' : 'tcg', ...(control.kvm.works ? {} : { 'why not kvm': control.kvm.reason }), connected: control.link.connected };
      if (!control.link.connected) return facts;
      const [versions, guests] = await Promise.all([control.link.driver.versions(), control.link.driver.listDomains()]);
      return { ...facts, libvirt: versions.libvirt, qemu: versions.hypervisor, guests: guests.filter((guest) => guest.id !== -1).length };
    });
  },
});
