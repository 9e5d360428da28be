/** powerdns: names of guests, told by PowerDNS on the coordinators. See README.md. @module */
import { clusterId, definePlugin, type PluginDefinition, primaryStages } from '../../core/plugin/api.ts';
import { powerdnsConfig } from './config.ts';
import type { DaemonPart } from './daemon-part.ts';
import { signingOperations } from './dnssec/operations.ts';
import { dnsKey, dnsSigning } from './dnssec/signing-kind.ts';
import { dnsBackend, dnsGroup, dnsMember } from './galera/backend-kind.ts';
import { backendOperations } from './galera/operations.ts';
import { recordOperations } from './record/operations.ts';
import { dnsRecord, pdnsError } from './record/record-kind.ts';
import { dnsZone } from './zone/zone-kind.ts';

export const powerdnsPlugin: PluginDefinition = definePlugin({
  name: 'powerdns',
  api: '^1',
  summary: 'names of guests in the domains of their networks, told by PowerDNS',
  apply(pvc) {
    let running: DaemonPart | undefined;
    const need = (): DaemonPart => {
      if (running === undefined) throw pdnsError('POWERDNS_NOT_STARTED', {});
      return running;
    };
    pvc.hooks.config.tap(() => [powerdnsConfig]);
    pvc.hooks.kinds.tap(() => [dnsRecord, dnsZone, dnsSigning, dnsKey, dnsBackend, dnsGroup, dnsMember]);
    pvc.hooks.operations.tap(() => recordOperations(need));
    pvc.hooks.operations.tap(() => signingOperations(need));
    pvc.hooks.operations.tap(() => backendOperations());
    pvc.hooks.start.tap(async (runtime) => {
      // Not above: a command line needs no controllers.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = startDaemonPart(runtime);
    });
    // PowerDNS runs there already: only its serials are the primary's to count. Nothing here can fail or take time.
    pvc.hooks.becomePrimary.tap(() => running?.runtime.touch('cluster', clusterId), { stage: primaryStages.DNS });
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.health.tap(() => need().health);
    pvc.hooks.metrics.tap(() => need().metrics);
  },
});
