/** What goes wrong with exports and imports of guests. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const exportError = defineErrors({
  VM_EXPORT_EXISTS: {
    message: 'There is something at {path} on {node} already.',
    hint: 'Choose another directory, or remove it there. Nothing was written.',
    http: 409,
    exit: 'conflict',
  },
  VM_EXPORT_NO_DIRECTORY: {
    message: 'There is no directory {path} on {node}.',
    hint: 'Make it or mount it there, or name another node with --node. Nothing was written.',
    http: 409,
    exit: 'refused',
  },
  VM_EXPORT_NO_SPACE: {
    message: 'The node {node} has no room for the export: {wanted} are needed in {path}, and {free} are free.',
    hint: 'Export to another node or directory. Nothing was written.',
    http: 507,
    exit: 'refused',
  },
  VM_EXPORT_SINCE: {
    message: 'The export of {snapshot} of the guest {vm} cannot build on {since}: {reason}.',
    hint: 'Make a full export, without --since. Nothing was written.',
    http: 409,
    exit: 'refused',
  },
  VM_SNAPSHOT_EXPORTED: {
    message: 'The snapshot {snapshot} of the guest {vm} is needed by an export that is under way.',
    hint: 'Wait for the task {task}, or end it: `pvc task cancel {task}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VM_EXPORT_UNFIT: {
    message: 'The export {path} on {node} cannot be used: {reason}.',
    hint: 'It may be damaged, cut off or changed since it was written. Nothing was imported.',
    http: 422,
    exit: 'usage',
  },
  VM_EXPORT_CHAIN: {
    message: 'These exports on {node} do not make one guest: {reason}.',
    hint: 'Name one full export and each one that builds on it, up to the one that is wanted. Nothing was imported.',
    http: 422,
    exit: 'usage',
  },
  VM_IMPORT_UNFIT: {
    message: 'The guest {vm} cannot be imported: {reason}.',
    hint: 'See `pvc vm import --help`. Nothing was imported.',
    http: 422,
    exit: 'usage',
  },
  VM_IMPORT_UNDONE: {
    message: 'The import of the guest {vm} failed and was taken back; then the daemon ended.',
    hint: 'The log of the node has the reason; try again.',
    http: 409,
    exit: 'failed',
  },
});
