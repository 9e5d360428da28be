/** `pvc --version`, the one command that needs nothing else. @module */
import { programVersion } from '../host/build-info.ts';
import { programArguments } from '../host/process.ts';

/** Prints the version if that is all that was asked. @returns whether it was */
export function answerVersion(): boolean {
  const { name, argv } = programArguments();
  if (name === 'pvcd' || argv.length !== 1 || argv[0] !== '--version') return false;
  process.stdout.write(`pvc ${programVersion}\n`);
  return true;
}
