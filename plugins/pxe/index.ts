/** pxe: blank servers become nodes by booting from the network. See README.md. @module */
import { definePlugin, type PluginDefinition, primaryStages } from '../../core/plugin/api.ts';
import { pxeConfig } from './config.ts';
import type { DaemonPart } from './daemon-part.ts';
import { machineBmcOperations } from './machine/bmc-operations.ts';
import { type DiskOutcome, type DisksAbout, type DisksHook, outcomesProblem } from './machine/disk-wish.ts';
import { machine, machineSecret, pxeError } from './machine/machine-kind.ts';
import { machineOperations } from './machine/machine-operations.ts';
import { replaceOperations } from './machine/replace-operation.ts';
import { networkId, provisioning } from './network/network-kind.ts';
import { networkOperations } from './network/network-operations.ts';
import { machineRule } from './rule/rule-kind.ts';
import { ruleOperations } from './rule/rule-operations.ts';

/** What other plugins may tap of this one. */
declare module '../../core/plugin/plugin.ts' {
  interface PluginHooks {
    /**
     * On the primary, every ten seconds while disks of a ready node shall become part of the storage and are not yet: begin with
     * what can be begun, never with a disk that is not blank, and give the list with what has become of each added. Called
     * again until nothing is `making` or `waiting`; what is `refused` or `failed` is a fault, which ends when that does.
     */
    'pxe.disks': (
      outcomes: readonly DiskOutcome[],
      about: DisksAbout,
    ) => readonly DiskOutcome[] | Promise<readonly DiskOutcome[]>;
  }
}

export const pxePlugin: PluginDefinition = definePlugin({
  name: 'pxe',
  api: '^1',
  summary: 'blank servers become nodes by booting from the network',
  apply(pvc) {
    let running: DaemonPart | undefined;
    const need = (): DaemonPart => {
      if (running === undefined) throw pxeError('PXE_NOT_STARTED', {});
      return running;
    };
    const disksHook: DisksHook = pvc.offer('pxe.disks', 15_000, outcomesProblem);
    pvc.hooks.config.tap(() => [pxeConfig]);
    pvc.hooks.kinds.tap(() => [machine, machineSecret, machineRule, provisioning]);
    pvc.hooks.operations.tap(() => [
      ...machineOperations,
      ...machineBmcOperations(() => pvc.powerDrivers()),
      ...replaceOperations,
      ...ruleOperations,
      ...networkOperations,
    ]);
    pvc.hooks.start.tap(async (runtime) => {
      // Not above: a command line needs no controllers.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = startDaemonPart(runtime, disksHook);
    });
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.tasks.tap(() => need().tasks);
    pvc.hooks.becomePrimary.tap(
      (runtime) => {
        need().services.take();
        runtime.touch(provisioning.name, networkId);
      },
      { stage: primaryStages.PROVISION },
    );
    pvc.hooks.leavePrimary.tap(async () => running?.services.leave(), { stage: primaryStages.PROVISION });
    pvc.hooks.event.tap(async ({ kind, type }) => {
      // A node that comes or goes is what machines wait for, and a rule; what a node says of itself is looked at again and again.
      if ((kind === 'node' || kind === machineRule.name) && type !== 'status') await running?.touchAll();
    });
  },
});
