/**
 * Files that travel inside the executable: the SQLite driver, web pages, third-party notices. In the
 * packed binary they are read from the SEA blob, from source they are read from `dist/assets`, where
 * the build gathers them.
 * @module
 */
import { readFileSync } from 'node:fs';
import { getAssetKeys, getRawAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import { defineErrors } from '../error/error.ts';

const assetError = defineErrors({
  ASSET_MISSING: {
    message: 'The built-in file {name} is not there.',
    hint: 'From source: run "npm run build" first. In an installed pvc this is a packaging fault: install the package again.',
    http: 500,
    exit: 'failed',
  },
});

/** True in the packed binary, false when running from source. */
export const isPacked = isSea();

/**
 * The bytes of one asset, by its path under `dist/assets` (`THIRD-PARTY.txt`, `web/index.html`).
 * In the binary they are not copied: do not write to them.
 * @throws PvcError ASSET_MISSING
 */
export function readAsset(name: string): Uint8Array {
  if (isPacked) {
    if (!getAssetKeys().includes(name)) throw assetError('ASSET_MISSING', { name });
    return new Uint8Array(getRawAsset(name));
  }
  try {
    return readFileSync(fileURLToPath(new URL(`../../dist/assets/${name}`, import.meta.url)));
  } catch (cause) {
    throw assetError('ASSET_MISSING', { name }, { cause });
  }
}

/** The same as text, decoded as UTF-8. @throws PvcError ASSET_MISSING */
export function readAssetText(name: string): string {
  return new TextDecoder().decode(readAsset(name));
}
