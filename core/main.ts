/**
 * `pvc`: daemon, command line and everything else in one program. The version is told before anything
 * else is loaded.
 * @module
 */
import { programVersion } from './host/build-info.ts';
import { exitProcess, programArguments } from './host/process.ts';

async function main(): Promise<number> {
  const called = programArguments();
  if (called.name !== 'pvcd' && called.argv.length === 1 && called.argv[0] === '--version') {
    process.stdout.write(`pvc ${programVersion}\n`);
    return 0;
  }
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(called);
}

// No top-level await: the bundle of the single executable is a CommonJS module.
void main().then(exitProcess);
