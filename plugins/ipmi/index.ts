/** ipmi: the power of nodes through BMCs that speak IPMI. See README.md. @module */
import { definePlugin, type Host, type PluginDefinition } from '../../core/plugin/api.ts';
import { ipmiDriver } from './ipmitool.ts';

export const ipmiPlugin: PluginDefinition = definePlugin({
  name: 'ipmi',
  api: '^1',
  summary: 'switches the power of nodes through BMCs that speak IPMI',
  apply(pvc) {
    let host: Host | undefined;
    const need = (): Host => {
      if (host === undefined) throw new Error('the plugin ipmi has not started');
      return host;
    };
    pvc.hooks.start.tap((runtime) => {
      host = runtime.host;
    });
    pvc.hooks.power.tap(() => [ipmiDriver(need)]);
  },
});
