/** dnsmasq: addresses and names for guests, on the primary. See README.md. @module */
import { clusterId, definePlugin, type PluginDefinition, primaryStages } from '../../core/plugin/api.ts';
import { dnsmasqConfig } from './config.ts';
import type { DaemonPart } from './daemon-part.ts';
import { refusal } from './guard.ts';
import { lease } from './lease/lease-kind.ts';
import { endLeases } from './lease/leases.ts';
import { listOperations } from './list/list-operation.ts';
import { guestKind, networkKind } from './network.ts';
import { reservation } from './reservation/reservation-kind.ts';
import { reservationOperations } from './reservation/reservation-operations.ts';
import { dhcp, dhcpError } from './settings/dhcp-kind.ts';
import { settingsOperations } from './settings/settings-operations.ts';

export const dnsmasqPlugin: PluginDefinition = definePlugin({
  name: 'dnsmasq',
  api: '^1',
  summary: 'DHCP and name resolution for guests, through dnsmasq',
  apply(pvc) {
    let running: DaemonPart | undefined;
    const need = (): DaemonPart => {
      if (running === undefined) throw dhcpError('DNSMASQ_NOT_STARTED', {});
      return running;
    };
    const runtime = () => need().runtime;
    /** The dnsmasq of the networks, and what they ask for names. */
    const touchAll = async (node: DaemonPart['runtime']): Promise<void> => {
      node.touch('cluster', clusterId);
      for (const vni of await node.documents.ids(dhcp)) node.touch(dhcp.name, vni);
    };
    pvc.hooks.config.tap(() => [dnsmasqConfig]);
    pvc.hooks.kinds.tap(() => [dhcp, reservation, lease]);
    pvc.hooks.operations.tap(() => [
      ...settingsOperations(runtime),
      ...reservationOperations(runtime),
      ...listOperations(runtime),
    ]);
    pvc.hooks.start.tap(async (started) => {
      // Not above: a command line needs no controllers.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = startDaemonPart(started);
    });
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.shouldAdmit.tap(async ({ plan }) =>
      running === undefined ? undefined : refusal(running.runtime.documents, plan.writes),
    );
    pvc.hooks.becomePrimary.tap(
      async (started) => {
        need().servers.take();
        need().guests.refresh();
        await touchAll(started);
      },
      { stage: primaryStages.DHCP },
    );
    pvc.hooks.leavePrimary.tap(async () => running?.servers.leave(), { stage: primaryStages.DHCP });
    pvc.hooks.event.tap(async ({ kind, id, type }) => {
      if (running === undefined || type === 'status') return;
      if (kind === guestKind && running.servers.duty) {
        if (type === 'removed') await endLeases(running.runtime, running.guests.cardsOf(id));
        running.guests.refresh();
      }
      if (kind === networkKind || kind === dhcp.name) running.runtime.touch('cluster', clusterId);
      // A network has the same number as its settings.
      if (kind === networkKind) running.runtime.touch(dhcp.name, id);
      if (kind === reservation.name) running.runtime.touch(dhcp.name, id.split('.')[0] ?? '');
    });
  },
});
