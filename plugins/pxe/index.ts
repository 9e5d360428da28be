/** pxe: blank servers become nodes by booting from the network. See README.md. @module */
import { type AnyController, definePlugin, type PluginDefinition } from '../../core/plugin/api.ts';
import { machine, pxeError } from './machine/machine-kind.ts';
import { machineOperations } from './machine/machine-operations.ts';

interface DaemonPart {
  readonly controllers: readonly AnyController[];
  touchAll(): Promise<void>;
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
    pvc.hooks.kinds.tap(() => [machine]);
    pvc.hooks.operations.tap(() => machineOperations);
    pvc.hooks.start.tap(async (runtime) => {
      // Not above: a command line needs no controllers.
      const { startDaemonPart } = await import('./daemon-part.ts');
      running = startDaemonPart(runtime);
    });
    pvc.hooks.controllers.tap(() => need().controllers);
    pvc.hooks.event.tap(async ({ kind, type }) => {
      // A node that comes or goes is what machines wait for; what it says of itself is looked at again and again.
      if (kind === 'node' && type !== 'status') await running?.touchAll();
    });
  },
});
