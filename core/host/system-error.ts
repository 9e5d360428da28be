/** Turns what the kernel says (errno) into errors for people. @module */
import { getSystemErrorMap } from 'node:util';
import type { PvcError } from '../error/error.ts';
import { hostError } from './errors.ts';

/** The kernel's words for an error (`permission denied`), or the error's own when it is not from there. */
export function systemReason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  return words?.[1] ?? message ?? String(error);
}

/** DISK_FULL, FILE_DENIED or FILE_FAILED, from what a call of `node:fs` threw. */
export function fileError(action: string, path: string, error: unknown): PvcError {
  const { code } = error as NodeJS.ErrnoException;
  const reason = systemReason(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return hostError('DISK_FULL', { path }, { cause: error });
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return hostError('FILE_DENIED', { path, reason }, { cause: error });
  }
  return hostError('FILE_FAILED', { action, path, reason }, { cause: error });
}
