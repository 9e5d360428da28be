/** Runs a bundle as the executable would and writes at its end what V8 has compiled: BUNDLE OUTPUT ARGUMENTS… @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { programScript, runProgram } from '../core/host/program-text.ts';

const [bundle = '', output = '', ...argv] = process.argv.slice(2);
const script = programScript(readFileSync(bundle, 'latin1'));
process.on('exit', () => writeFileSync(output, script.createCachedData()));
process.argv = [process.execPath, 'pvc', ...argv];
runProgram(script);
