/** What can be done with the disks of the storage (OSDs). @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { addOperation } from './add-operation.ts';
import { changeOperations } from './change-operations.ts';
import { flagOperations } from './flag-operations.ts';
import { listOperations } from './list-operations.ts';
import { removeOperation } from './remove-operation.ts';

export const osdOperations = (ceph: () => CephCommand, runtime: () => Runtime) => [
  addOperation(runtime),
  removeOperation(ceph),
  ...changeOperations(ceph),
  ...flagOperations(ceph),
  ...listOperations(ceph),
];
