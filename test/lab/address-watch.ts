/**
 * Watches, from outside of all nodes, who has an address: looks at every node's network again and again and remembers
 * when more than one had it. A node does not count that has it and is silent about it: as a gateway that is muzzled.
 * @module
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';
import { namespaceName, type Topology } from './topology.ts';

export interface AddressWatch {
  /** Moments at which several nodes had it, each with their names. */
  readonly overlaps: readonly { readonly atMs: number; readonly nodes: readonly string[] }[];
  /** Who had it last, and how often it was looked for. */
  readonly holder: () => string | undefined;
  readonly looks: () => number;
  /** The longest time, in ms, in which nobody had it between two who had. */
  readonly longestGapMs: () => number;
  stop(): Promise<void>;
}

const lookEveryMs = 40;

/** Whether the gateway's address is shut in by a muzzle without life, in what `nft list table inet pvc_gateways` shows. */
export function isMuzzled(listed: string, address: string): boolean {
  const sets = new Map(
    [...listed.matchAll(/set (\w+) \{([^}]*(?:\{[^}]*\})?[^}]*)\}/g)].map(([, name, body]) => [name, body]),
  );
  const gateways = `${sets.get('gateways4')} ${sets.get('gateways6')}`.split(/[\s,]+/);
  return gateways.includes(address) && !/elements/.test(sets.get('alive') ?? '');
}

/** Whether a node has an address and may answer for it. */
export async function has(lab: string, node: string, address: string): Promise<boolean> {
  const inNode = ['ip', 'netns', 'exec', namespaceName(lab, node)];
  const { stdout, code } = await run(['ip', '-n', namespaceName(lab, node), '-o', 'addr', 'show', 'to', address], {
    accept: 'any',
  });
  if (code !== 0 || stdout.trim() === '') return false;
  const muzzle = await run([...inNode, 'nft', 'list', 'table', 'inet', 'pvc_gateways'], { accept: 'any' });
  return !(muzzle.code === 0 && isMuzzled(muzzle.stdout, address));
}

export function watchAddress({ name: lab, nodes }: Topology, address: string): AddressWatch {
  const overlaps: { atMs: number; nodes: string[] }[] = [];
  let holder: string | undefined;
  let looks = 0;
  let goneSinceMs: number | undefined;
  let longestMs = 0;
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const atMs = performance.now();
      const found = await Promise.all(nodes.map(async ({ name }) => ((await has(lab, name, address)) ? [name] : [])));
      let holders = found.flat();
      // One after the other was asked: who seems to be a second holder is asked again together with the first.
      if (holders.length > 1) {
        const again = await Promise.all(holders.map(async (name) => ((await has(lab, name, address)) ? [name] : [])));
        holders = again.flat();
      }
      looks += 1;
      if (holders.length > 1) overlaps.push({ atMs, nodes: holders });
      if (holders.length === 0) goneSinceMs ??= atMs;
      else {
        if (goneSinceMs !== undefined) longestMs = Math.max(longestMs, atMs - goneSinceMs);
        goneSinceMs = undefined;
        [holder] = holders;
      }
      await delay(lookEveryMs);
    }
  })();
  return {
    overlaps,
    holder: () => holder,
    looks: () => looks,
    longestGapMs: () => longestMs,
    async stop() {
      stopped = true;
      await watching;
    },
  };
}
