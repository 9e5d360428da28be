/**
 * What can go wrong between PVC and libvirt, in words for the administrator.
 * @module
 */
import { defineErrors, type ErrorSpec, PvcError } from '../../../core/plugin/api.ts';
import { errorDomainNames, errorNames, nameOf } from './names.ts';
import type { ErrorReply } from './wire.ts';

const specs = {
  LIBVIRT_REFUSED: {
    message: 'libvirt refused {procedure}: {reason}',
    hint: "The reason is libvirt's own; the log of libvirtd on this node may say more.",
    http: 502,
    exit: 'failed',
  },
  LIBVIRT_OUTCOME_UNKNOWN: {
    message: 'Whether {procedure} took effect is not known: {reason}',
    hint: 'Look at the guest before trying again; PVC reads its true state once libvirt answers.',
    http: 504,
    exit: 'unknown',
  },
  LIBVIRT_LOST: {
    message: 'The connection to libvirt at {target} ended: {reason}',
    hint: 'Guests run on without libvirtd. Check that it runs on this node; PVC connects again by itself.',
    http: 503,
    exit: 'unreachable',
  },
  LIBVIRT_HUNG: {
    message: 'libvirt at {target} did not answer for {seconds} s; the connection was given up.',
    hint: 'libvirtd hangs or is stopped. Look at its log and restart it; guests run on meanwhile.',
    http: 503,
    exit: 'unreachable',
  },
  LIBVIRT_CLOSED: {
    message: 'The connection to libvirt at {target} has been closed here.',
    hint: 'Nothing was sent; try again.',
    http: 503,
    exit: 'unreachable',
  },
  LIBVIRT_SLOW: {
    message: 'libvirt did not answer {procedure} within {seconds} s.',
    hint: 'libvirtd is busy, or the QEMU process of that guest does not respond.',
    http: 504,
    exit: 'failed',
  },
  LIBVIRT_CANCELLED: {
    message: '{procedure} was cancelled before it was sent to libvirt.',
    hint: 'Nothing was changed.',
    http: 409,
    exit: 'cancelled',
  },
  LIBVIRT_PROTOCOL: {
    message: 'libvirt at {target} sent what its protocol does not allow: {reason}',
    hint: 'Report this with the version of libvirt on this node.',
    http: 502,
    exit: 'failed',
  },
  LIBVIRT_AUTH_NEEDED: {
    message: 'libvirt at {target} asks for authentication ({kind}), which PVC does not use.',
    hint: 'Run as root on the unix socket, or set auth_unix_rw / auth_tcp to "none" in libvirtd.conf on a network of its own.',
    http: 502,
    exit: 'denied',
  },
  LIBVIRT_BAD_ARGUMENT: {
    message: '{procedure} cannot be sent to libvirt: {reason}',
    hint: 'Correct the value; nothing was sent.',
    http: 400,
    exit: 'usage',
  },
  LIBVIRT_STREAM_SLOW: {
    message: 'The stream was ended: {megabytes} MB arrived that nobody read.',
    hint: 'Open it again and read it as it comes.',
    http: 503,
    exit: 'failed',
  },
} as const satisfies Record<string, ErrorSpec>;

export const libvirtError = defineErrors(specs);

/** An error that libvirt itself reported: it received the call and did not do it (virError, header virterror.h). */
export class LibvirtError extends PvcError {
  /** virErrorNumber, such as 42. */
  readonly libvirtCode: number;
  /** Its name without the prefix, such as NO_DOMAIN; the number as text when this version does not know it. */
  readonly libvirtName: string;
  /** The part of libvirt that complains, such as QEMU. */
  readonly libvirtDomain: string;
  readonly level: 'warning' | 'error';

  constructor(procedure: string, reply: ErrorReply) {
    const libvirtName = nameOf(errorNames, reply.code);
    const reason = reply.message ?? libvirtName;
    super('LIBVIRT_REFUSED', `libvirt refused ${procedure}: ${reason}`, specs.LIBVIRT_REFUSED);
    this.name = 'LibvirtError';
    this.libvirtCode = reply.code;
    this.libvirtName = libvirtName;
    this.libvirtDomain = nameOf(errorDomainNames, reply.domain);
    this.level = reply.level === 1 ? 'warning' : 'error';
  }
}

/** True when `error` is libvirt's answer with one of these names: `isLibvirt(e, 'NO_DOMAIN')`. */
export function isLibvirt(error: unknown, ...names: readonly string[]): error is LibvirtError {
  return error instanceof LibvirtError && names.includes(error.libvirtName);
}
