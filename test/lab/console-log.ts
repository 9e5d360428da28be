/**
 * Follows the console of the small guest through the product's own `pvc vm log --follow`.
 * @module
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { commandOn } from './exec.ts';
import { killGroup } from './run.ts';
import type { LabRecord } from './state.ts';
import { LabError } from './topology.ts';

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onLine: (line: string) => void;
  /** Default 90 s: an emulated guest on a busy machine takes its time to boot. */
  readonly timeoutMs?: number;
}

/** Counts seen in a row before the guest is believed to live. */
const countsWanted = 3;

/**
 * Shows the console until the guest has an address and has counted; its first address.
 * @throws LabError when that does not come about; what `signal` was aborted with
 */
export async function followConsole(
  record: LabRecord,
  node: string,
  guest: string,
  options: FollowOptions,
): Promise<string> {
  const { signal, timeoutMs = 90_000 } = options;
  const [file = '', ...args] = await commandOn(record, node, ['pvc', 'vm', 'log', guest, '--follow']);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, timeoutMs);
  const onAbort = () => killGroup(child);
  signal?.addEventListener('abort', onAbort);
  try {
    let address: string | undefined;
    let counts = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      options.onLine(line.trimEnd());
      address ??= /pvc-guest address \S+ ([\d.]+)/.exec(line)?.[1];
      if (/pvc-guest counter \d/.test(line)) counts += 1;
      if (address !== undefined && counts >= countsWanted) return address;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    killGroup(child);
  }
  signal?.throwIfAborted();
  const why = isLate ? `after ${timeoutMs / 1000} s` : 'when `pvc vm log --follow` ended';
  throw new LabError(`the guest ${guest} has not shown an address and a counter on its console ${why}`);
}
