/** evpn: networks of guests that reach over all nodes, by VXLAN and BGP EVPN. See README.md. @module */
import { clusterId, definePlugin, type PluginDefinition, primaryStages } from '../../core/plugin/api.ts';
import { addressBook } from './address/address-plan.ts';
import { evpnConfig } from './config.ts';
import type { DaemonPart } from './daemon-part.ts';
import { networkAcl } from './firewall/acl-kind.ts';
import { aclOperations } from './firewall/acl-operations.ts';
import type { MetadataPorts } from './firewall/firewall.ts';
import { tapGuests } from './guest/guest-nic.ts';
import { network, networkError } from './network/network-kind.ts';
import { networkOperations } from './network/operations.ts';
import { sriovOperations } from './sriov/sriov-operations.ts';

/** Guests, and the addresses that they have by DHCP: kinds of other plugins, which cards are kept to. */
const guardKinds = ['vm', 'dhcp-lease', 'dhcp-reservation', network.name];
/** What changes in the cluster that FRR and the firewall must be told of. */
const toldKinds = ['node', network.name, networkAcl.name];

export const evpnPlugin: PluginDefinition = definePlugin({
  name: 'evpn',
  api: '^1',
  summary: 'networks of guests over all nodes, through VXLAN and EVPN',
  apply(pvc) {
    let running: DaemonPart | undefined;
    const need = (): DaemonPart => {
      if (running === undefined) throw networkError('EVPN_NOT_STARTED', {});
      return running;
    };
    let metadata: MetadataPorts | undefined;
    pvc.on('libvirt.metadata', (names: readonly string[], about: { readonly open: MetadataPorts }) => {
      metadata = about.open;
      return [...names, 'evpn'];
    });
    tapGuests(pvc, need);
    pvc.hooks.config.tap(() => [evpnConfig]);
    pvc.hooks.kinds.tap(() => [network, addressBook, networkAcl]);
    pvc.hooks.operations.tap(() => networkOperations(need));
    pvc.hooks.operations.tap(() => aclOperations(need));
    pvc.hooks.operations.tap(() => sriovOperations(need));
    pvc.hooks.counters.tap(async ({ view }): Promise<Record<string, number>> => {
      const count = (await view.list(network)).length;
      return count === 0 ? {} : { Networks: count };
    });
    pvc.hooks.start.tap(async (runtime) => {
      // Not above: a command line needs no controllers.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = startDaemonPart(runtime, async (networks) => (await metadata?.(networks)) ?? new Map());
    });
    pvc.hooks.event.tap(async ({ kind, type }) => {
      if (type === 'status') return;
      if (guardKinds.includes(kind)) running?.guards.wake();
      if (!toldKinds.includes(kind)) return;
      running?.runtime.touch('cluster', clusterId);
      if (kind === network.name) running?.gateways.changed();
    });
    pvc.hooks.becomePrimary.tap(
      async (runtime) => {
        await need().firewall.resume(runtime.term);
        runtime.touch('cluster', clusterId);
      },
      { stage: primaryStages.ADDRESS },
    );
    pvc.hooks.becomePrimary.tap(() => need().floating.take(), { stage: primaryStages.ADDRESS });
    pvc.hooks.becomePrimary.tap(() => need().gateways.take(), { stage: primaryStages.GATEWAY });
    pvc.hooks.leavePrimary.tap(() => running?.gateways.leave(), { stage: primaryStages.GATEWAY });
    pvc.hooks.leavePrimary.tap(() => running?.floating.leave(), { stage: primaryStages.ADDRESS });
    pvc.hooks.keepalive.tap(async () => (await running?.facts()) ?? {});
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.health.tap(() => need().health);
    pvc.hooks.metrics.tap(() => need().metrics);
  },
});
