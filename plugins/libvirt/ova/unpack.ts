/** Unpacks an OVA by Debian's tar(1). @module */
import type { Host } from '../../../core/plugin/api.ts';
import { ovaError } from './ova-errors.ts';

/** A slow line takes its time; who leaves is noticed by the body. */
const unpackTimeoutMs = 24 * 3_600_000;

/**
 * An OVA is flat (DSP0243): what lies deeper is left out, what comes twice is refused, and nothing comes to lie outside. Owners
 * and modes of the archive count for nothing.
 * @throws PvcError OVA_UNFIT with tar's reason, and what the body throws
 */
export async function unpack(
  { processes }: Pick<Host, 'processes'>,
  body: AsyncIterable<Uint8Array>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const only = ['--exclude=*/*', '--keep-old-files', '--no-same-owner', '--no-same-permissions', '--touch'];
  const { code, stderr } = await processes.exec(
    ['tar', '--extract', '--file=-', `--directory=${directory}`, '--wildcards', '--anchored', ...only],
    { timeoutMs: unpackTimeoutMs, input: body, signal },
  );
  signal.throwIfAborted();
  if (code === 0) return;
  const [reason = 'tar could not read it'] = stderr.trim().split('\n');
  throw ovaError('OVA_UNFIT', {
    path: 'The file that was sent',
    reason: reason.replace(/^tar: /, '').replace(/\.$/, ''),
  });
}
