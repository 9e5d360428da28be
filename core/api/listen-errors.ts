/** Errors of opening the API's doors. @module */
import { defineErrors } from '../error/error.ts';

export const listenError = defineErrors({
  SOCKET_IN_USE: {
    message: 'Another process answers on the socket {path}.',
    hint: 'A daemon runs already: use it, or stop it first (`systemctl stop pvcd`).',
    http: 409,
    exit: 'refused',
  },
  SOCKET_PATH_TAKEN: {
    message: '{path} is not a socket.',
    hint: 'Move it away: PVC makes its socket there and removes nothing else.',
    http: 409,
    exit: 'refused',
  },
  SOCKET_GROUP_UNKNOWN: {
    message: 'There is no group {group} on this machine.',
    hint: 'Make it (`groupadd --system {group}`), or take `api.socketGroup` out of pvc.yaml.',
    http: 500,
    exit: 'usage',
  },
  PORT_IN_USE: {
    message: 'Port {port} of {address} is taken by another program.',
    hint: 'See which one (`ss -ltnp "sport = :{port}"`) and stop it, or set another `api.port` in pvc.yaml. The unix socket works meanwhile.',
    http: 503,
    exit: 'refused',
  },
  LISTEN_FAILED: {
    message: 'Cannot listen on {address}: {reason}',
    hint: 'Check `api.listen` and `api.port` in pvc.yaml, and that the address is one of this machine.',
    http: 503,
    exit: 'failed',
  },
  CERTIFICATE_UNUSABLE: {
    message: 'The certificate {certFile} with the key {keyFile} cannot be used: {reason}',
    hint: 'Both must be PEM files and belong together. The HTTPS API stays closed until they do.',
    http: 503,
    exit: 'failed',
  },
});
