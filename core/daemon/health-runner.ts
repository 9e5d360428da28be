/** Runs the health checks of this node, each at its own pace, and turns findings into faults. @module */
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import { type FaultBook, faultId } from '../fault/fault-book.ts';
import { severities } from '../fault/fault-kind.ts';
import type { HealthCheck, HealthFinding } from '../health/health-check.ts';
import type { Host } from '../host/host.ts';
import { within } from '../host/within.ts';

/** What a plugin told is checked: it becomes a document. */
const finding = z.object({
  severity: z.enum(severities),
  message: z.string(),
  hint: z.string(),
  delta: z.int().min(0).max(100).exactOptional(),
}) satisfies z.ZodType<HealthFinding>;

export class HealthRunner {
  readonly #host: Pick<Host, 'clock'>;
  readonly #faults: FaultBook;
  readonly #node: string;

  constructor(host: Pick<Host, 'clock'>, faults: FaultBook, node: string) {
    this.#host = host;
    this.#faults = faults;
    this.#node = node;
  }

  /** Repeats one check until the signal aborts. */
  async run(check: HealthCheck, signal: AbortSignal): Promise<void> {
    const id = faultId(`health.${check.name}`, this.#node);
    let now = new AbortController();
    signal.addEventListener('abort', () => now.abort(signal.reason), { once: true });
    while (!signal.aborted) {
      // One for each time: what a check leaves listening to its signal goes with it.
      now = new AbortController();
      const found = await this.#once(check, now);
      if (signal.aborted) return;
      if (found === undefined) this.#faults.clear(id);
      else this.#faults.raise(id, { ...found, object: `node ${this.#node}` });
      await this.#host.clock.sleep(check.intervalMs, signal).catch(() => undefined);
    }
  }

  async #once(check: HealthCheck, over: AbortController): Promise<HealthFinding | undefined> {
    const late = (): Error => new Error(`gave no answer within ${check.timeoutMs / 1000} s`);
    try {
      const told: unknown = await within(this.#host.clock, check.timeoutMs, check.run(over.signal), late);
      // Nothing is "all is well", also as null from a plugin in JavaScript.
      return told === undefined || told === null ? undefined : finding.parse(told);
    } catch (error) {
      // One that answered has nothing to be ended.
      over.abort(error);
      return {
        severity: 'critical',
        message: `The check ${check.name} failed: ${errorText(error)}`,
        hint: 'See the log of this node.',
      };
    }
  }
}

/** Checks that core itself brings: room for the state, and objects that can be read. */
export function coreChecks(
  freeBytes: (path: string) => Promise<{ free: number; total: number } | undefined>,
  directories: readonly string[],
  unreadable: ReadonlyMap<string, Error>,
): HealthCheck[] {
  return [
    {
      name: 'documents',
      summary: 'every stored object can be understood',
      intervalMs: 30_000,
      timeoutMs: 5_000,
      async run() {
        const [first] = unreadable.values();
        if (first === undefined) return undefined;
        const names = [...unreadable.keys()].slice(0, 5).join(', ');
        return {
          severity: 'critical',
          message: `${unreadable.size} stored objects cannot be understood (${names}): ${errorText(first)}`,
          hint: 'They are left as they are, and nothing is done about them. Update this node, or restore them from a backup.',
        };
      },
    },
    {
      name: 'disk-space',
      summary: 'free space below the directories of PVC',
      intervalMs: 30_000,
      timeoutMs: 5_000,
      async run() {
        for (const path of directories) {
          const space = await freeBytes(path);
          if (space === undefined) continue;
          const share = space.free / Math.max(1, space.total);
          if (share < 0.05 || space.free < 64 * 1024 * 1024) {
            return {
              severity: share < 0.01 ? 'critical' : 'warning',
              message: `Only ${Math.floor(space.free / 1024 / 1024)} MiB are free at ${path}.`,
              hint: 'Free some space: without it no change can be stored.',
            };
          }
        }
        return undefined;
      },
    },
  ];
}
