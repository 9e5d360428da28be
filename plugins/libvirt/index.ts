/** libvirt: guests on this node through libvirt's own protocol. See README.md. @module */
import { definePlugin, type FoldHook, orNotNow, type PluginDefinition, PvcError } from '../../core/plugin/api.ts';
import { booking } from './booking.ts';
import type { DaemonPart } from './daemon-part.ts';
import { domainProblem, type XmlElement } from './domain/xml.ts';
import { exportOperations } from './export/export-operations.ts';
import { importOperations } from './export/import-operations.ts';
import type { DomainHookAbout, StartHookAbout } from './guest-control.ts';
import type { OpenDriver } from './guest-driver.ts';
import { libvirtConfig } from './libvirtd.ts';
import { balanceOperations } from './operations/balance.ts';
import { changeOperations } from './operations/change.ts';
import { consoleOperations } from './operations/console.ts';
import { defineOperations } from './operations/define.ts';
import { endOperations } from './operations/end.ts';
import { moveOperations } from './operations/move.ts';
import { nicChangeOperations } from './operations/nic-change.ts';
import { nicListOperation } from './operations/nic-list.ts';
import { nodeGuestOperations } from './operations/node-guests.ts';
import { nodeLeaveOperations } from './operations/node-leave.ts';
import { powerOperations } from './operations/power.ts';
import { queryOperations } from './operations/query.ts';
import { volumeUserOperations } from './operations/volume-users.ts';
import { ovaOperations } from './ova/import-operations.ts';
import type { MetadataDoors } from './provision/metadata/doors.ts';
import { provisionKinds, provisionOperations } from './provision/provision-plugin.ts';
import { vmRule } from './rule/rule-kind.ts';
import { ruleOperations } from './rule/rule-operations.ts';
import { type LibvirtSecret, secretsProblem } from './secrets.ts';
import { vmSnapshot } from './snapshot/snapshot-kind.ts';
import { snapshotOperations } from './snapshot/snapshot-operations.ts';
import { type VolumeStoreAbout, type VolumeStoreHook, wordsProblem } from './snapshot/volume-store.ts';
import { toldState, toldStates, vm } from './vm-kind.ts';

/** What other plugins may tap of this one. */
declare module '../../core/plugin/plugin.ts' {
  interface PluginHooks {
    /**
     * Before a guest is started, and whenever its document is compared with what runs: change the domain's
     * tree and return it. Must be pure: the same guest gives the same tree, or it is taken for changed. When something
     * else changes that your tree depends on, `touch('vm', uuid)` has it compared at once; else within half an hour.
     */
    'libvirt.domain': (root: XmlElement, about: DomainHookAbout) => XmlElement | Promise<XmlElement>;
    /** Secrets that disks of guests name: give the list with yours added. Asked again and again, so it must be cheap. */
    'libvirt.secrets': (
      secrets: readonly LibvirtSecret[],
    ) => readonly LibvirtSecret[] | Promise<readonly LibvirtSecret[]>;
    /**
     * Just before a guest is started on a node or gets a device there while it runs, and not when it comes there by a
     * move: give the reasons why it must not, with yours added; with an empty list it does.
     */
    'libvirt.start': (
      reasons: readonly string[],
      about: StartHookAbout,
    ) => readonly string[] | Promise<readonly string[]>;
    /**
     * Storages whose volumes guests have as disks, for snapshots, exports and imports of whole guests: add yours by
     * `about.add(store)` and its name to the list.
     */
    'libvirt.volumes': (
      names: readonly string[],
      about: VolumeStoreAbout,
    ) => readonly string[] | Promise<readonly string[]>;
    /**
     * When the daemon starts: the doors of the metadata service, for plugins of networks that lead guests there. Keep
     * `about`, and give the list with your name added.
     */
    'libvirt.metadata': (
      names: readonly string[],
      about: MetadataDoors,
    ) => readonly string[] | Promise<readonly string[]>;
  }
}

export interface LibvirtOptions {
  /** How the hypervisor is reached; absent: through libvirt's own protocol. A simulator pretends one. */
  readonly openDriver?: OpenDriver;
}

/** Not imported above: a command line needs neither the protocol nor the controllers. */
const openOverRpc: OpenDriver = async (host, config) => {
  const { LibvirtDriver } = await import('./rpc/domain.ts');
  return LibvirtDriver.open(host, {
    target: { path: config.socket },
    uri: config.uri as 'qemu:///system',
  });
};

export const createLibvirt = ({ openDriver = openOverRpc }: LibvirtOptions = {}): PluginDefinition =>
  definePlugin({
    name: 'libvirt',
    api: '^1',
    summary: 'virtual machines through libvirt and QEMU',
    apply(pvc) {
      let running: DaemonPart | undefined;
      const need = (): DaemonPart => {
        if (running === undefined)
          throw new PvcError('LIBVIRT_NOT_STARTED', 'The libvirt part of this daemon has not started yet.', {
            hint: 'Try again in a moment.',
            http: 503,
            exit: 'unreachable',
          });
        return running;
      };
      const domainHook: FoldHook<XmlElement, DomainHookAbout> = pvc.offer('libvirt.domain', 5_000, domainProblem);
      const secretsHook: FoldHook<readonly LibvirtSecret[], null> = pvc.offer('libvirt.secrets', 5_000, secretsProblem);
      const startHook: FoldHook<readonly string[], StartHookAbout> = pvc.offer('libvirt.start', 15_000, wordsProblem);
      const volumesHook: VolumeStoreHook = pvc.offer('libvirt.volumes', 5_000, wordsProblem);
      const metadataHook: FoldHook<readonly string[], MetadataDoors> = pvc.offer(
        'libvirt.metadata',
        5_000,
        wordsProblem,
      );

      pvc.hooks.config.tap(() => [libvirtConfig]);
      pvc.hooks.kinds.tap(() => [vm, booking, vmRule, vmSnapshot, ...provisionKinds]);
      pvc.hooks.operations.tap(() => [
        ...queryOperations(() => need().control),
        nicListOperation,
        ...defineOperations,
        ...endOperations(volumesHook),
        ...changeOperations,
        ...nicChangeOperations,
        ...powerOperations,
        ...volumeUserOperations,
        ...snapshotOperations,
        ...exportOperations,
        ...importOperations(need, volumesHook),
        ...ovaOperations(need, volumesHook),
        ...moveOperations,
        ...ruleOperations,
        ...nodeGuestOperations,
        ...nodeLeaveOperations,
        ...balanceOperations,
        ...provisionOperations(need, volumesHook),
        ...consoleOperations(
          () => need().control,
          () => need().runtime,
        ),
      ]);
      pvc.hooks.counters.tap(async ({ view }) => {
        const guests = await view.list(vm);
        const counts = toldStates
          .map((state) => [state, guests.filter((guest) => toldState(guest) === state).length] as const)
          .filter(([, count]) => count > 0);
        return {
          Guests: guests.length,
          ...Object.fromEntries(counts.map(([state, count]) => [`Guests ${state}`, count])),
        };
      });

      pvc.hooks.start.tap(async (runtime) => {
        // Not above either: see `openOverRpc`.
        const { startDaemonPart } = await import('./daemon-part.ts');
        running = await startDaemonPart(
          runtime,
          { domain: domainHook, secrets: secretsHook, start: startHook, volumes: volumesHook },
          openDriver,
        );
        await metadataHook.call([], running.metadata);
      });
      pvc.hooks.stranded.tap((dead) =>
        orNotNow(async () => (await import('./recovery.ts')).stranded(need().runtime, dead)),
      );
      pvc.hooks.recover.tap((about) =>
        orNotNow(async () => (await import('./recovery.ts')).recover(need().runtime, about)),
      );
      pvc.hooks.returning.tap((about) =>
        orNotNow(async () => (await import('./recovery.ts')).returning(need().runtime, about)),
      );
      pvc.hooks.isolated.tap(() => need().control.isolation.end());
      pvc.hooks.cutOff.tap(async (about) => (await import('./recovery.ts')).endCutOff(need(), about));
      pvc.hooks.controllers.tap(() => need().controllers);
      pvc.hooks.tasks.tap(() => need().tasks);
      pvc.hooks.metrics.tap(() => need().metrics);
      pvc.hooks.health.tap(() => need().health);
      pvc.hooks.keepalive.tap(() => need().facts());
    },
  });

export const libvirt = createLibvirt();
