/** What of provisioning lives only while a daemon runs. @module */
import type { AnyController, Runtime } from '../../core/plugin/api.ts';
import { MachineBook } from './machine/machine-book.ts';
import { machineController } from './machine/machine-controller.ts';
import { machine } from './machine/machine-kind.ts';

export function startDaemonPart(runtime: Runtime): {
  readonly controllers: readonly AnyController[];
  touchAll(): Promise<void>;
} {
  const book = new MachineBook(runtime);
  return {
    controllers: [machineController(runtime, book)],
    touchAll: async () => {
      if (!runtime.isPrimary()) return;
      for (const mac of await runtime.documents.ids(machine)) runtime.touch(machine.name, mac);
    },
  };
}
