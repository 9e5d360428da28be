/**
 * Which PVC this is. The build bakes the values in; from source they come from package.json.
 * @module
 */
import { readFileSync } from 'node:fs';

export interface BuildInfo {
  /** Semantic version, from package.json. */
  readonly version: string;
  /** Short git commit, with `-dirty` for uncommitted changes; `source` when not built, `unknown` without git. */
  readonly commit: string;
}

/** Replaced by the bundler with an object literal; not defined when running from source. */
declare const PVC_BUILD_INFO: BuildInfo | undefined;

function fromSource(): BuildInfo {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return { version: manifest.version, commit: 'source' };
}

/** Version and commit of the running program. */
export const buildInfo: BuildInfo = typeof PVC_BUILD_INFO === 'undefined' ? fromSource() : PVC_BUILD_INFO;

/** As `pvc --version` prints it: `1.2.3+abc1234`, or `1.2.3` from source. */
export const programVersion =
  buildInfo.commit === 'source' ? buildInfo.version : `${buildInfo.version}+${buildInfo.commit}`;
