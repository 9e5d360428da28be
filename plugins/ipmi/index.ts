/** ipmi: the power of nodes through BMCs that speak IPMI or Redfish. See README.md. @module */
import { definePlugin, type Host, type PluginDefinition } from '../../core/plugin/api.ts';
import { ipmiDriver } from './ipmitool.ts';
import { redfishDriver } from './redfish.ts';

export const ipmiPlugin: PluginDefinition = definePlugin({
  name: 'ipmi',
  api: '^1',
  summary: 'switches the power of nodes through BMCs that speak IPMI or Redfish',
  apply(pvc) {
    let host: Host | undefined;
    const need = (): Host => {
      if (host === undefined) throw new Error('the plugin ipmi has not started');
      return host;
    };
    pvc.hooks.start.tap((runtime) => {
      host = runtime.host;
    });
    pvc.hooks.power.tap(() => [ipmiDriver(need), redfishDriver(need)]);
  },
});
