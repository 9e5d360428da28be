/**
 * First step of `npm start`, `npm test` and `npm run lab`: makes a machine ready.
 *
 *     node build/setup/prepare.mjs [PURPOSE…]     purposes of packages.json; default: all but those "onRequest"
 *
 * With everything in place it takes a fraction of a second.
 * @module
 */
import { resolve } from 'node:path';
import { installDebianPackages, packageLists } from './debian-packages.mjs';
import { installNodeModules } from './node-modules.mjs';
import { SetupError } from './setup-error.mjs';

const repository = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');

/** @param {string} line */
const say = (line) => void process.stderr.write(`setup: ${line}\n`);

/** @param {readonly string[]} args */
function prepare(args) {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new SetupError(`Node ${process.versions.node} is too old to start with: 20 or newer is needed`, 'Install a newer nodejs package.');
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(`PVC runs on 64-bit x86 Linux, this is ${process.platform} on ${process.arch}`, 'Use a Debian machine of that kind.');
  }
  const known = /** @type {import('./debian-packages.mjs').Purpose[]} */ (Object.keys(packageLists));
  const purposes = known.filter((name) => (args.length === 0 ? packageLists[name].onRequest !== true : args.includes(name)));
  const unknown = args.find((name) => !known.some((purpose) => purpose === name));
  if (unknown !== undefined) throw new SetupError(`there is no purpose ${unknown}`, `Known: ${known.join(', ')}.`);
  installDebianPackages(purposes, say);
  installNodeModules(repository, say);
}

try {
  prepare(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  say(error.hint);
  process.exitCode = 1;
}
