/** Errors of the operating system's door. @module */
import { defineErrors } from '../error/error.ts';

export const hostError = defineErrors({
  EXEC_NOT_FOUND: {
    message: 'The command {command} is not installed on this machine.',
    hint: 'Install the package that carries it (docs/reference/packages.md) and try again.',
    http: 500,
    exit: 'failed',
  },
  EXEC_TIMEOUT: {
    message: 'The command {command} did not end within {seconds} s and was killed.',
    hint: 'See the log of this node for what it was waiting for.',
    http: 504,
    exit: 'failed',
  },
  EXEC_FAILED: {
    message: '{command} failed: {reason}',
    hint: 'The log of this node has the whole output.',
    http: 500,
    exit: 'failed',
  },
  DISK_FULL: {
    message: 'No space left for {path}.',
    hint: 'Free space on that file system; nothing was changed.',
    http: 507,
    exit: 'failed',
  },
  FILE_DENIED: {
    message: 'No access to {path}: {reason}',
    hint: 'Run as root, or check the owner and the mount options of that directory.',
    http: 500,
    exit: 'denied',
  },
  FILE_FAILED: {
    message: 'Cannot {action} {path}: {reason}',
    hint: 'Check the path, and the kernel log for trouble with that file system.',
    http: 500,
    exit: 'failed',
  },
  WATCHDOG_UNUSABLE: {
    message: 'The watchdog {device} cannot be used: {reason}.',
    hint: '`wdctl` lists the watchdogs of this machine. The setting is `watchdog` in the configuration file (docs/node-failure.md).',
    http: 500,
    exit: 'failed',
  },
  CONNECT_FAILED: {
    message: 'Cannot connect to {target}: {reason}',
    hint: 'Check that the service behind it runs.',
    http: 503,
    exit: 'unreachable',
  },
});
