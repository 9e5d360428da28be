/** ZooKeeper's four-letter words: what one server says of itself, quorum or not. @module */
import { once } from 'node:events';
import type { Host } from '../../host/host.ts';

export interface ServerState {
  /** `alone`: it answers, and has no quorum. `down`: nobody answers. */
  readonly role: 'leader' | 'follower' | 'observer' | 'alone' | 'down';
  readonly version: string;
  readonly latencyMs: { readonly average: number; readonly most: number };
  readonly connections: number;
  readonly znodes: number;
  /** Number of the last change that it has, hexadecimal. */
  readonly zxid: string;
  /** Why it is down. */
  readonly reason: string;
}

const silence = {
  version: '',
  latencyMs: { average: 0, most: 0 },
  connections: 0,
  znodes: 0,
  zxid: '',
} as const;

/** Sends one word and reads the answer to its end. @throws PvcError CONNECT_FAILED; Error when it does not end in time */
export async function fourLetterWord(
  host: Pick<Host, 'net' | 'clock'>,
  server: { readonly host: string; readonly port: number },
  word: 'srvr' | 'ruok' | 'mntr' | 'conf',
  timeoutMs: number,
): Promise<string> {
  const stream = await host.net.connect(server, timeoutMs);
  const cancel = host.clock.after(timeoutMs, () => stream.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  try {
    stream.end(word);
    await once(stream, 'close');
    return text;
  } finally {
    cancel();
    stream.destroy();
  }
}

/** What a server says to `srvr`. Never rejects: a server that is down is a state too. */
export async function serverState(
  host: Pick<Host, 'net' | 'clock'>,
  server: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<ServerState> {
  try {
    return stateOf(await fourLetterWord(host, server, 'srvr', timeoutMs));
  } catch (error) {
    return { role: 'down', ...silence, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Pure. */
export function stateOf(text: string): ServerState {
  const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1] ?? '';
  const mode = field('Mode');
  if (mode === '') {
    const role = text.includes('not currently serving') ? 'alone' : 'down';
    return { role, ...silence, reason: text.trim() || 'it answers nothing' };
  }
  const [, average = '0', most = '0'] = field('Latency min/avg/max').split('/');
  return {
    role: mode === 'leader' || mode === 'observer' ? mode : mode === 'standalone' ? 'leader' : 'follower',
    version: field('Zookeeper version').split(',')[0] ?? '',
    latencyMs: { average: Number(average), most: Number(most) },
    connections: Number(field('Connections')),
    znodes: Number(field('Node count')),
    zxid: field('Zxid'),
    reason: '',
  };
}
