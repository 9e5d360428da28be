/** What of provisioning lives only while a daemon runs. @module */
import type { AnyController, AnyTaskDefinition, Runtime } from '../../core/plugin/api.ts';
import { BootAnswers } from './boot/boot-answers.ts';
import { bootController } from './boot/boot-controller.ts';
import { BootServices } from './boot/boot-services.ts';
import type { PxeConfig } from './config.ts';
import { machineBmcController } from './machine/bmc-controller.ts';
import { machineBootTask } from './machine/bmc-operations.ts';
import { diskController } from './machine/disk-controller.ts';
import type { DisksHook } from './machine/disk-wish.ts';
import { MachineBook } from './machine/machine-book.ts';
import { machineController } from './machine/machine-controller.ts';
import { machine } from './machine/machine-kind.ts';
import { ruleController } from './rule/rule-controller.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly services: BootServices;
  readonly controllers: readonly AnyController[];
  readonly tasks: readonly AnyTaskDefinition[];
  /** Has all machines looked at, where this node is primary. */
  touchAll(): Promise<void>;
}

/** What the image consists of, and what a site lays over it. */
const imageFiles = ['vmlinuz', 'initrd.img', 'root.squashfs', 'site.tar'];

export function startDaemonPart(runtime: Runtime, disks: DisksHook): DaemonPart {
  const book = new MachineBook(runtime);
  const { image = `${runtime.directories.state}/provisioning` } = runtime.section('pxe') as PxeConfig;
  const files = new Map([
    ...imageFiles.map((name) => [name, `${image}/${name}`] as const),
    // The executable of the cluster itself, so that an upgrade of PVC needs no new image (proc(5)).
    ['pvc', '/proc/self/exe'] as const,
  ]);
  const services = new BootServices(runtime, new BootAnswers(runtime, book), files);
  return {
    runtime,
    services,
    controllers: [
      machineController(runtime, book),
      machineBmcController(runtime),
      diskController(runtime, book, disks),
      ruleController(runtime),
      bootController(runtime, services),
    ],
    tasks: [machineBootTask(runtime)],
    touchAll: async () => {
      if (!runtime.isPrimary()) return;
      for (const mac of await runtime.documents.ids(machine)) runtime.touch(machine.name, mac);
    },
  };
}
