/** Errors between a client and the API. No message holds a token or an input. @module */
import { defineErrors } from '../error/error.ts';

export const clientError = defineErrors({
  DAEMON_DOWN: {
    message: 'The PVC daemon of this machine does not answer on {server}: {reason}.',
    hint: 'See `systemctl status pvcd` and start it (`systemctl start pvcd`). Guests run on without it.',
    http: 503,
    exit: 'unreachable',
  },
  DAEMON_DENIED: {
    message: 'This user may not talk to the PVC daemon on {server}.',
    hint: 'Do it as root, or use the API with a token (`pvc connection add NAME https://HOST:7370`).',
    http: 403,
    exit: 'denied',
  },
  API_UNREACHABLE: {
    message: 'No answer from {server}: {reason}.',
    hint: 'Check the address and that the daemon runs there (`systemctl status pvcd`); every other node of the cluster answers as well.',
    http: 503,
    exit: 'unreachable',
  },
  ANSWER_LOST: {
    message: 'The connection to {server} broke before {operation} was answered: it may or may not have been done.',
    hint: 'Look at the object, or at the audit log (`pvc cluster audit`), before you repeat it.',
    http: 504,
    exit: 'unknown',
  },
  ANSWER_LATE: {
    message: '{server} has not answered {operation} within {seconds} s: it may or may not have been done.',
    hint: 'Look at the object, or at the audit log (`pvc cluster audit`), before you repeat it.',
    http: 504,
    exit: 'unknown',
  },
  QUERY_LATE: {
    message: '{server} has not answered {operation} within {seconds} s.',
    hint: 'Nothing was changed by it. The node may be overloaded or cut off; try another node.',
    http: 504,
    exit: 'unreachable',
  },
  ANSWER_INVALID: {
    message: 'What {server} answered to {operation} is not understood: {reason}.',
    hint: 'Is this the address of a PVC API, with nothing in between that changes its answers? Versions that are far apart may not understand each other.',
    http: 502,
    exit: 'failed',
  },
  STREAM_BROKEN: {
    message: 'The stream of {operation} from {server} broke off: {reason}.',
    hint: 'It cannot be continued where it broke; start it again.',
    http: 502,
    exit: 'unreachable',
  },
  UPLOAD_LOST: {
    message: '{server} took no more of {operation} after {bytes} bytes: {reason}.',
    hint: 'The body was not complete, so nothing was kept of it. Send it again.',
    http: 502,
    exit: 'unreachable',
  },
  DOWNLOAD_LOST: {
    message: '{operation} from {server} broke off after {bytes} of {size} bytes: {reason}.',
    hint: 'What has come is not complete. The log of the node has the reason, if it is one of the node itself.',
    http: 502,
    exit: 'unreachable',
  },
  CERTIFICATE_MISMATCH: {
    message: '{server} shows a certificate with the fingerprint {found}, not {expected}.',
    hint: 'Either the cluster has a new certificate (ask its administrator) or somebody stands in between. Nothing was sent.',
    http: 502,
    exit: 'denied',
  },
  CERTIFICATE_UNKNOWN: {
    message:
      'Nobody that this machine trusts vouches for the certificate of {server} ({reason}); its fingerprint is {found}.',
    hint: 'Compare the fingerprint with the one that the cluster shows itself, then connect with it. Nothing was sent.',
    http: 502,
    exit: 'denied',
  },
  CALL_INVALID: {
    message: '{operation} is a {type} and cannot be {what}.',
    hint: 'Queries and mutations are called, feeds are followed, channels are connected to, uploads are sent to, downloads are read from.',
    http: 400,
    exit: 'usage',
  },
  TARGET_INVALID: {
    message: 'A client cannot be made like this: {reason}.',
    hint: 'Give the path of a socket, or an address https://HOST:PORT with a token.',
    http: 400,
    exit: 'usage',
  },
});
