/** Errors of the command line itself. @module */
import { defineErrors } from '../error/error.ts';

export const cliError = defineErrors({
  USAGE: {
    message: '{problem}',
    hint: '{hint}',
    http: 400,
    exit: 'usage',
  },
  OPTION_INVALID: {
    message: '{option}: {problem}',
    hint: 'See `pvc {command} --help` for what it takes. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  CONFIRMATION_NEEDED: {
    message: '{question}',
    hint: 'There is no terminal to ask on: repeat it with `--yes` if that is what you want. Nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  NOT_CONFIRMED: {
    message: 'Not confirmed.',
    hint: 'Nothing was changed.',
    http: 400,
    exit: 'cancelled',
  },
  NO_TERMINAL: {
    message: '{what} needs a terminal.',
    hint: '{instead}',
    http: 400,
    exit: 'usage',
  },
  EDIT_UNCHANGED: {
    message: 'The text was saved as it was.',
    hint: 'Nothing was changed.',
    http: 400,
    exit: 'cancelled',
  },
  INPUT_FILE: {
    message: '{option}: the file {path} cannot be read: {reason}',
    hint: 'Give a readable file, or `-` for standard input.',
    http: 400,
    exit: 'usage',
  },
  INPUT_SIZE: {
    message: 'How many bytes come out of {path} is not known, and has to be.',
    hint: 'Write it to a file first and send that. Nothing was sent.',
    http: 400,
    exit: 'usage',
  },
  OUTPUT_FILE: {
    message: '{path} cannot be written: {reason}.',
    hint: '{instead}',
    http: 400,
    exit: 'usage',
  },
  NAME_MISSING: {
    message: 'The answer of `pvc {command}` has no names to print.',
    hint: 'Use `--format json` or `--format yaml`.',
    http: 400,
    exit: 'usage',
  },
  NOT_CONNECTED: {
    message: 'There is no PVC daemon on this machine (no socket {socket}), and no connection to a cluster is chosen.',
    hint: 'Start the daemon (`systemctl start pvcd`), or add a cluster (`pvc connection add NAME https://HOST:7370`).',
    http: 503,
    exit: 'unreachable',
  },
  CONNECTION_UNKNOWN: {
    message: 'There is no connection {name}.',
    hint: 'See `pvc connection list`; add one with `pvc connection add {name} https://HOST:7370`.',
    http: 404,
    exit: 'notFound',
  },
  CONNECTION_EXISTS: {
    message: 'There is already a connection {name}, to {url}.',
    hint: 'Remove it first (`pvc connection remove {name}`) or choose another name.',
    http: 409,
    exit: 'conflict',
  },
  CONNECTION_FILE: {
    message: 'The file of connections {path} cannot be used: {reason}',
    hint: 'Correct it, or move it away and add the connections again.',
    http: 500,
    exit: 'failed',
  },
  NO_HOME: {
    message: 'There is no place for connections: neither XDG_CONFIG_HOME nor HOME is set.',
    hint: 'Set one of them, or give the connection itself with `--socket`, `--url` or `--store`.',
    http: 400,
    exit: 'usage',
  },
  WAIT_TIMEOUT: {
    message: 'Task {task} ({action}) has not ended after {duration}; it goes on.',
    hint: 'Wait on (`pvc task wait {task}`), look at it (`pvc task show {task}`) or end it (`pvc task cancel {task}`).',
    http: 504,
    exit: 'unknown',
  },
  TASK_FAILED: {
    message: '{action} failed: {reason}',
    hint: '{hint}',
    http: 500,
    exit: 'failed',
  },
  TASK_CALLED_OFF: {
    message: '{action} was cancelled.',
    hint: 'See `pvc task show {task}` for how far it came.',
    http: 409,
    exit: 'cancelled',
  },
  INTERRUPTED: {
    message: 'Interrupted.',
    hint: 'What had been sent already may have been done; look before you repeat it.',
    http: 499,
    exit: 'cancelled',
  },
});

/** A mistake in the command line itself. */
export const usageError = (problem: string, hint: string): Error => cliError('USAGE', { problem, hint });

/** Exit code after Ctrl-C: 128 and SIGINT's number, as shells have it. */
export const interruptedExit = 130;
