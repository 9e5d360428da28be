/**
 * Writes log lines in this thread, so that the last line before a crash is out. A full disk, a slow pipe or
 * a closed terminal never disturbs the daemon: lines wait in memory, up to a bound, and then are counted.
 * @module
 */
import { openSync, writeSync } from 'node:fs';
import { fileError } from './system-error.ts';

/** Lines kept while they cannot be written. */
const maxWaitingBytes = 1024 * 1024;

/**
 * Opens a file for appending, or standard error when no file is given. `onLost` is told how many lines did
 * not fit once writing works again.
 * @throws PvcError FILE_DENIED, DISK_FULL, FILE_FAILED when the file cannot be opened
 */
export function openLogSink(file: string | undefined, onLost: (lines: number) => void): (line: string) => void {
  const fd = file === undefined ? 2 : openFile(file);
  let waiting = Buffer.alloc(0);
  let lost = 0;

  const drain = (): boolean => {
    try {
      while (waiting.length > 0) waiting = waiting.subarray(writeSync(fd, waiting));
      return true;
    } catch {
      return false; // there is no better place to say that the log cannot be written; the next line tries again
    }
  };

  return (line) => {
    const bytes = Buffer.from(`${line}\n`);
    if (waiting.length + bytes.length > maxWaitingBytes) lost += 1;
    else waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]);
    if (!drain() || lost === 0) return;
    const lines = lost;
    lost = 0;
    onLost(lines);
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw fileError('write', path, error);
  }
}
