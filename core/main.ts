/**
 * `pvc`: daemon, command line and everything else in one program. The version is told before anything
 * else is loaded, and so is the launcher served.
 * @module
 */
import { serveLauncher } from './host/launcher/serve.ts';
import { exitAfterOutput, programArguments } from './host/process.ts';
import { answerVersion } from './local/answer-version.ts';

async function main(): Promise<number> {
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(programArguments());
}

// No top-level await: the bundle of the single executable is a CommonJS module.
if (!answerVersion() && !serveLauncher()) void main().then(exitAfterOutput);
