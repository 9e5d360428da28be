/**
 * The program as the executable carries it: the text of the bundle, and what V8 has compiled of it. V8's own
 * code cache of a single executable holds hardly more than the outermost function; this one is taken from
 * a process that has done its work (`build/compiled.ts`), so that what a command needs is there at once.
 * @module
 */
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/** Names among the embedded files. */
export const programAsset = 'program.cjs';
export const compiledAsset = 'program.cache';

/** What a CommonJS module finds around itself (Node's documentation, "The module wrapper"). */
type ModuleFunction = (
  exports: unknown,
  require: (name: string) => unknown,
  module: unknown,
  filename: string,
  dirname: string,
) => void;

/** The text as a script. Lines and columns stay those of the bundle. Compiled code of another V8 or another text is not used. */
export const programScript = (text: string, compiled?: Uint8Array): Script =>
  new Script(`(function (exports, require, module, __filename, __dirname) {\n${text}\n})`, {
    filename: 'pvc.cjs',
    lineOffset: -1,
    ...(compiled === undefined ? {} : { cachedData: compiled }),
  });

/** Node's own modules: there is nothing else that the bundle could ask for. */
function requireBuiltin(name: string): unknown {
  const found: unknown = process.getBuiltinModule(name);
  if (found === undefined) throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
  return found;
}

export function runProgram(script: Script): void {
  const module = { exports: {} };
  const run = script.runInThisContext() as ModuleFunction;
  run(module.exports, requireBuiltin, module, process.execPath, dirname(process.execPath));
}
