/** A plugin that is on duty while its node is primary, as a gateway or a DHCP server would be: the rules watch over it. @module */
import { definePlugin, type PluginDefinition, primaryStages } from '../../core/plugin/api.ts';
import type { Life } from './life.ts';
import type { World } from './world.ts';

export const dutyPlugin = (node: string, world: World, life: Life): PluginDefinition =>
  definePlugin({
    name: 'duty',
    api: '^1',
    summary: 'tells the simulator who acts as primary',
    apply(pvc) {
      pvc.hooks.becomePrimary.tap(({ term }) => life.call('duty.take', async () => world.takeDuty(node, term)), {
        stage: primaryStages.GATEWAY,
      });
      pvc.hooks.leavePrimary.tap(() => life.call('duty.drop', async () => world.dropDuty(node)), {
        stage: primaryStages.GATEWAY,
      });
    },
  });
