/** The tasks on disks of the storage. @module */
import type { AnyTaskDefinition, Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { addOsdTask } from './add-task.ts';
import { changeTasks } from './change-tasks.ts';
import { databaseGroupTasks } from './db-groups.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { refreshTask } from './refresh.ts';
import { removeOsdTask } from './remove-task.ts';
import { replaceOsdTask } from './replace-task.ts';
import { takeTask } from './take.ts';

export const osdTasks = (runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): readonly AnyTaskDefinition[] => [
  addOsdTask(runtime, ceph, daemons),
  removeOsdTask(runtime, ceph, daemons),
  replaceOsdTask(runtime, ceph, daemons),
  refreshTask(runtime, ceph, daemons),
  takeTask(runtime),
  ...databaseGroupTasks(runtime, ceph),
  ...changeTasks(runtime, ceph),
];
