/**
 * `pvc`: daemon, command line and everything else in one program. The version is told before anything
 * else is loaded.
 * @module
 */
import { exitAfterOutput, programArguments } from './host/process.ts';
import { answerVersion } from './local/answer-version.ts';

async function main(): Promise<number> {
  if (answerVersion()) return 0;
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(programArguments());
}

// No top-level await: the bundle of the single executable is a CommonJS module.
void main().then(exitAfterOutput);
