/** What goes wrong with storage, for everybody in this plugin. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const cephError = defineErrors({
  CEPH_NOT_STARTED: {
    message: 'The storage part of this daemon has not started yet.',
    hint: 'Try again in a moment.',
    http: 503,
    exit: 'unreachable',
  },
  CEPH_NONE: {
    message: 'This cluster has no storage yet.',
    hint: 'Make it with `pvc storage init`; the nodes then start their parts by themselves.',
    http: 409,
    exit: 'refused',
  },
  CEPH_EXISTS: {
    message: 'This cluster has its storage already (fsid {fsid}).',
    hint: 'See `pvc storage status`.',
    http: 409,
    exit: 'conflict',
  },
  CEPH_FIRST: {
    message: 'No node can begin with the storage: {reason}.',
    hint: 'See `pvc node list`; a coordinator whose daemon runs begins, the primary unless you name one with --first.',
    http: 409,
    exit: 'refused',
  },
  CEPH_ADDRESS: {
    message: 'These nodes have no address in the storage network {network}: {nodes}.',
    hint: 'Give each an address there (`ip -br address` shows what it has), or name the network in which they all have one.',
    http: 409,
    exit: 'refused',
  },
  CEPH_AWAY: {
    message: 'The storage does not answer: {reason}',
    hint: 'Guests that have their data in reach run on. See `pvc storage status` and `pvc node list`; most monitors must be up.',
    http: 503,
    exit: 'unreachable',
  },
  CEPH_REFUSED: {
    message: 'Ceph refused {what}: {reason}',
    hint: 'Nothing else was changed. See `pvc storage status`.',
    http: 502,
    exit: 'failed',
  },
  CEPH_STRANGE: {
    message: 'The answer of {what} cannot be understood: {reason}',
    hint: 'This version of PVC may not know the version of that program; `ceph versions` tells those of Ceph.',
    http: 502,
    exit: 'failed',
  },
});
