/** The console output of guests: kept in a file of their node, read from its end, followed as it grows. @module */
import type { Host } from '../../core/plugin/api.ts';

type LogHost = Pick<Host, 'clock' | 'files'>;

/** No answer carries more than this, however long the lines are. */
const maxTailBytes = 1024 * 1024;
const followEveryMs = 200;

export interface Tail {
  readonly text: string;
  /** Where it ended in the file. */
  readonly offset: number;
}

/** The last lines of a file; empty when there is none. A partial last line counts as a line. */
export async function tail(host: Pick<Host, 'files'>, path: string, lines: number): Promise<Tail> {
  const stat = await host.files.stat(path);
  if (stat === undefined) return { text: '', offset: 0 };
  const from = Math.max(0, stat.size - maxTailBytes);
  const bytes = (await host.files.readSlice(path, from, stat.size - from)) ?? new Uint8Array();
  let start = bytes.length;
  let left = lines;
  // The line feed at the very end closes the last line and starts none.
  if (bytes[start - 1] === 10) start -= 1;
  while (start > 0) {
    if (bytes[start - 1] === 10) {
      left -= 1;
      if (left === 0) break;
    }
    start -= 1;
  }
  return { text: lines === 0 ? '' : new TextDecoder().decode(bytes.subarray(start)), offset: from + bytes.length };
}

/**
 * What is appended to the file from `offset` on, as it comes, in whole lines; a line that is not ended
 * (a prompt) comes when nothing follows it. A file that was replaced or cut starts again at 0.
 */
export async function* follow(
  host: LogHost,
  path: string,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<{ text: string; offset: number }> {
  let at = offset;
  let inode: number | undefined;
  // Characters of more than one byte may be cut in two by a read.
  let held = '';
  let decoder = new TextDecoder();
  while (!signal.aborted) {
    const stat = await host.files.stat(path);
    if (stat !== undefined) {
      if ((inode !== undefined && stat.inode !== inode) || stat.size < at) {
        at = 0;
        held = '';
        decoder = new TextDecoder();
      }
      inode = stat.inode;
      if (stat.size > at) {
        const bytes = (await host.files.readSlice(path, at, Math.min(stat.size - at, 64 * 1024))) ?? new Uint8Array();
        at += bytes.length;
        held += decoder.decode(bytes, { stream: true });
        const end = held.lastIndexOf('\n') + 1;
        const text = held.slice(0, end);
        held = held.slice(end);
        // The offset stays before what is held: whoever continues from it gets that again.
        if (text !== '') yield { text, offset: at - Buffer.byteLength(held) };
        continue;
      }
    }
    if (held !== '') {
      const text = held;
      held = '';
      yield { text, offset: at };
    }
    await host.clock.sleep(followEveryMs, signal).catch(() => undefined);
  }
}
