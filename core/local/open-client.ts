/** Opens the client that a command line asks for: socket, HTTPS, or the store itself. @module */

import { usageError } from '../cli/cli-errors.ts';
import type { ConnectedClient } from '../cli/command-context.ts';
import type { ConnectionOptions } from '../cli/connection-choice.ts';
import { createClient } from '../client/client.ts';
import type { Program } from '../program.ts';

/** @throws PvcError TARGET_INVALID, USAGE, and what the store says */
export async function openClient(options: ConnectionOptions, program: Program): Promise<ConnectedClient> {
  if (!('store' in options)) return createClient(options, program.registry);
  const path = /^sqlite:(\/.+)$/.exec(options.store)?.[1];
  if (path === undefined)
    throw usageError(`"${options.store}" is no store.`, 'Write it as sqlite:/absolute/path/store.sqlite.');
  const { openDirect } = await import('./open-direct.ts');
  return openDirect(path, program);
}
