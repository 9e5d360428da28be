/** What goes wrong with guests that come as OVF or OVA. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const ovaError = defineErrors({
  OVA_UNFIT: {
    message: '{path} cannot be imported: {reason}.',
    hint: 'An OVA is a tar file with an OVF descriptor (*.ovf) and the disks of one guest. Nothing was imported.',
    http: 422,
    exit: 'usage',
  },
  OVA_NO_SPACE: {
    message: 'The node {node} has no room for the OVA: {wanted} are needed in {directory}, and {free} are free.',
    hint: 'Ask another node, or make room there. Nothing was imported.',
    http: 507,
    exit: 'refused',
  },
  OVA_UNDONE: {
    message: 'The import of the guest {vm} failed and was taken back; then the daemon ended.',
    hint: 'The log of the node has the reason; try again.',
    http: 409,
    exit: 'failed',
  },
});
