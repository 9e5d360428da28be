/** What can be done with the disks of the storage (OSDs). @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { addOperation } from './add-operation.ts';
import { changeOperations } from './change-operations.ts';
import { databaseGroupOperations } from './db-groups.ts';
import { flagOperations } from './flag-operations.ts';
import { listOperations } from './list-operations.ts';
import { refreshOperation } from './refresh.ts';
import { removeOperation } from './remove-operation.ts';
import { replaceOperation } from './replace-operation.ts';
import { takeOperation } from './take.ts';

export const osdOperations = (ceph: () => CephCommand, runtime: () => Runtime) => [
  addOperation(runtime),
  removeOperation(ceph),
  replaceOperation(ceph, runtime),
  refreshOperation,
  takeOperation,
  ...databaseGroupOperations(ceph, runtime),
  ...changeOperations(ceph),
  ...flagOperations(ceph),
  ...listOperations(ceph),
];
