/** Errors of the ZooKeeper ensemble that PVC runs. @module */
import { defineErrors } from '../../error/error.ts';

export const ensembleError = defineErrors({
  ZOOKEEPER_MISSING: {
    message: 'ZooKeeper is not installed on this machine: there is no {path}.',
    hint: 'Install it: `apt install --no-install-recommends zookeeper default-jre-headless`.',
    http: 500,
    exit: 'refused',
  },
  ZOOKEEPER_SILENT: {
    message: 'The ZooKeeper server at {address} was started and does not serve: {reason}',
    hint: 'See zookeeper.log below the log directory. Does something else use port 2181, 2888 or 3888?',
    http: 503,
    exit: 'failed',
  },
  ENSEMBLE_REFUSED: {
    message: 'The ZooKeeper ensemble did not take the change: {reason}',
    hint: 'It is as it was. See `pvc store status`.',
    http: 409,
    exit: 'refused',
  },
  ENSEMBLE_QUORUM: {
    message: 'Without server {server} ({node}) the ensemble would have no quorum: {reason}',
    hint: 'Bring the other coordinators back, or add one first. See `pvc store status`.',
    http: 409,
    exit: 'refused',
  },
});
