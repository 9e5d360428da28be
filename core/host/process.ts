/** This process: how it was called, and its end. @module */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

/** The name it was called by (`pvc`, `pvcd`) and what follows it on the line. */
export function programArguments(): { readonly name: string; readonly argv: readonly string[] } {
  // As a single executable and under `node main.ts` alike, the first two words are the program.
  return { name: basename(process.argv0), argv: process.argv.slice(2) };
}

/** Ends the process at once; what its readers have not yet taken of its output is lost. For a process that must not go on. */
export function exitProcess(code: number): never {
  process.exit(code);
}

/**
 * Ends the process as soon as its output has been taken. A pipe holds 64 KiB (pipe(7)); what a slow reader has not taken
 * beyond that waits in this process, and `process.exit` would throw it away with exit code 0. A reader that never reads is
 * waited for without end, as by any program of the shell; SIGINT, SIGTERM and SIGHUP then end the process.
 */
export async function exitAfterOutput(code: number): Promise<never> {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => void stream.write('', () => resolve()));
  process.exit(code);
}

export const processId = (): number => process.pid;

/** True where systemd is PID 1 (sd_booted(3)). */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system');

/** Calls `fn` with whatever nobody caught; the process must not go on as if nothing had happened. */
export function onFatal(fn: (error: unknown) => void): void {
  process.on('uncaughtException', fn);
  process.on('unhandledRejection', fn);
}
