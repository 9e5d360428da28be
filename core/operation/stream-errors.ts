/** What can go wrong while a long stream of bytes passes. @module */
import { defineErrors } from '../error/error.ts';

export const streamError = defineErrors({
  UPLOAD_SIZE_UNKNOWN: {
    message: '{operation} must know beforehand how many bytes come.',
    hint: 'Say it with the header Content-Length; what comes out of a pipe is written to a file first. Nothing was taken.',
    http: 411,
    exit: 'usage',
  },
  UPLOAD_TOO_LARGE: {
    message: '{operation} takes no more than {limit} bytes.',
    hint: 'Send less. Nothing was kept of it.',
    http: 413,
    exit: 'usage',
  },
  UPLOAD_SIZE_WRONG: {
    message: '{announced} bytes were announced to {operation}, and {bytes} came.',
    hint: 'Did the file change meanwhile? Nothing was kept of it; send it again.',
    http: 400,
    exit: 'failed',
  },
  UPLOAD_BROKEN: {
    message: 'The connection broke after {bytes} bytes of {operation} had come.',
    hint: 'Nothing was kept of it; send it again.',
    http: 400,
    exit: 'unreachable',
  },
  UPLOAD_STALLED: {
    message: 'No byte came for {operation} in {seconds} s, after {bytes} bytes.',
    hint: 'The sender or the network stands still. Nothing was kept of it; send it again.',
    http: 408,
    exit: 'unreachable',
  },
  STREAM_LEFT: {
    message: 'Whoever asked for {operation} has left after {bytes} bytes.',
    hint: 'Nothing more was done. Ask again.',
    http: 499,
    exit: 'cancelled',
  },
});
