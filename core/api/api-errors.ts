/** Errors of the HTTP door: what is wrong with a request before an operation sees it. @module */
import { defineErrors } from '../error/error.ts';

export const apiError = defineErrors({
  ROUTE_UNKNOWN: {
    message: 'There is nothing at {method} {path}.',
    hint: 'See /api/v1/openapi.json for what there is; a plugin that adds it may be missing on this node.',
    http: 404,
    exit: 'usage',
  },
  METHOD_WRONG: {
    message: '{path} does not take {method}, only {allowed}.',
    hint: 'See /api/v1/openapi.json for the methods of each path.',
    http: 405,
    exit: 'usage',
  },
  CONTENT_TYPE_WRONG: {
    message: 'The body is of type {type}; only {wanted} is understood.',
    hint: 'Send it as that and say so with the header "Content-Type: {wanted}". Nothing was changed.',
    http: 415,
    exit: 'usage',
  },
  JSON_MALFORMED: {
    message: 'The body is not JSON: {problem} at line {line}, column {column} (byte {offset}).',
    hint: 'Correct the body; nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  BODY_TOO_LARGE: {
    message: 'The body is larger than the {limit} bytes that {operation} takes.',
    hint: 'Send less; nothing was changed.',
    http: 413,
    exit: 'usage',
  },
  BODY_UNEXPECTED: {
    message: '{operation} takes its input from the path and the query string, not from a body.',
    hint: 'Put the fields after "?" in the address; nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  BODY_BROKEN: {
    message: 'The body ended before it was complete.',
    hint: 'The connection was cut, or Content-Length is wrong. Nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  QUERY_UNEXPECTED: {
    message: '{operation} does not know {fields} in the query string.',
    hint: 'Its input goes into the JSON body; only "plan" may stand after "?". Nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  PLAN_FLAG: {
    message: 'plan is "true" or "false", not {value}.',
    hint: 'Use ?plan=true to see what would be done. Nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  FIELD_CONTRADICTS: {
    message: '{field} is {path} in the path and something else in the body.',
    hint: 'Leave it out of the body, or give the same value. Nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  UPGRADE_NEEDED: {
    message: '{operation} is a two-way stream: it needs a WebSocket.',
    hint: 'Connect with a WebSocket client, or use `pvc`.',
    http: 426,
    exit: 'usage',
  },
  UPGRADE_UNEXPECTED: {
    message: '{operation} is no two-way stream and cannot be a WebSocket.',
    hint: 'Use a plain request.',
    http: 400,
    exit: 'usage',
  },
  UPGRADE_INVALID: {
    message: 'This is no valid WebSocket handshake: {reason}',
    hint: 'RFC 6455 section 4.2.1 says what it needs; version 13 is spoken here.',
    http: 400,
    exit: 'usage',
  },
  REQUEST_INVALID: {
    message: 'This request cannot be understood: {reason}',
    hint: 'Check the address and the Host header.',
    http: 400,
    exit: 'usage',
  },
  API_CLOSING: {
    message: 'The daemon of this node is stopping; there may be more to come.',
    hint: 'Connect again when it runs (`systemctl status pvcd`), or to another node.',
    http: 503,
    exit: 'unreachable',
  },
  INTERNAL: {
    message: 'Something went wrong inside PVC that it has no name for.',
    hint: 'The log of this node has the details under this request id; please report them.',
    http: 500,
    exit: 'failed',
  },
});
