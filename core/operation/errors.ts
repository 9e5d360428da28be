/** Errors of asking: input, permission, refusal. @module */
import { defineErrors } from '../error/error.ts';

export const operationError = defineErrors({
  INPUT_INVALID: {
    message: 'The input of {operation} is not valid.',
    hint: 'See `pvc {command} --help` for what it takes. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  OPERATION_UNKNOWN: {
    message: 'There is no operation {operation}.',
    hint: 'See `pvc --help` for the commands; a plugin that adds it may be missing on this node (`pvc plugin list`).',
    http: 404,
    exit: 'usage',
  },
  ROLE_TOO_LOW: {
    message: '{operation} needs the role {needed}; {actor} has {role}.',
    hint: 'Use a token with that role (`pvc token create NAME --role {needed}` as an admin).',
    http: 403,
    exit: 'denied',
  },
  TOO_CONTENDED: {
    message: '{operation} met {tries} changes by others in a row and gave up.',
    hint: 'Nothing was changed by it. Try again.',
    http: 409,
    exit: 'conflict',
  },
  TARGET_BUSY: {
    message: '{target} is busy: task {task} ({action}) has not ended.',
    hint: 'Wait for it (`pvc task wait {task}`) or end it (`pvc task cancel {task}`).',
    http: 409,
    exit: 'conflict',
  },
  VETOED: {
    message: '{operation} was refused by the plugin {plugin}: {reason}',
    hint: 'See that plugin’s documentation, `pvc plugin show {plugin}`.',
    http: 409,
    exit: 'refused',
  },
  OUTCOME_UNKNOWN: {
    message: 'The store did not answer in time: {operation} may or may not have been done.',
    hint: 'Look at the object first. The audit log has request {request} if it was done (`pvc cluster audit`).',
    http: 504,
    exit: 'unknown',
  },
  NODE_UNREACHABLE: {
    message: 'Only node {node} can answer {operation}, and it cannot be reached: {reason}',
    hint: 'See `pvc node info {node}`.',
    http: 503,
    exit: 'unreachable',
  },
  NEEDS_DAEMON: {
    message: '{operation} needs the daemon of node {node}; the store alone does not know.',
    hint: 'Start it (`systemctl start pvcd`) or use a connection to the API.',
    http: 503,
    exit: 'unreachable',
  },
});
