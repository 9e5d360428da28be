/** Room for large files on a node's disk. @module */

import type { Files } from '../host/host.ts';
import { formatBytes } from '../render/quantity.ts';

/** What stays free of a node's file system whatever is copied there: a full one stops logs, databases and guests. */
const reserveBytes = 512 * 1024 * 1024;

/** Undefined: so many bytes fit there. Else what is wanted and what is free, for people. A directory that is not there has no room. */
export async function lackOfRoom(
  files: Pick<Files, 'space'>,
  directory: string,
  bytes: number,
): Promise<{ readonly wanted: string; readonly free: string } | undefined> {
  const free = (await files.space(directory))?.free ?? 0;
  return bytes + reserveBytes <= free ? undefined : { wanted: formatBytes(bytes), free: formatBytes(free) };
}
