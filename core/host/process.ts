/** This process: how it was called, and its end. @module */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

/** The name it was called by (`pvc`, `pvcd`) and what follows it on the line. */
export function programArguments(): { readonly name: string; readonly argv: readonly string[] } {
  // As a single executable and under `node main.ts` alike, the first two words are the program.
  return { name: basename(process.argv0), argv: process.argv.slice(2) };
}

/** Ends the process. Standard output and error of a pipe, file or terminal are written synchronously on Linux, so nothing is lost. */
export function exitProcess(code: number): never {
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
