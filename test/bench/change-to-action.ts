/**
 * How soon a node acts on a change that was asked for elsewhere: `vm pause` and `vm resume` are asked of one node for a
 * guest of another, and libvirt's own event there tells when it was done.
 * @module
 */
import type { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText, percentile } from './figure.ts';

const rounds = 50;

/** @param at the node that runs `guest`; `asked` is another */
export async function changeToActionFigures(
  lab: ClusterLab,
  area: string,
  { guest, at, asked }: { guest: string; at: string; asked: string },
): Promise<Figure[]> {
  const client = await lab.client(asked);
  const driver = await lab.driver(at);
  let told: (() => void) | undefined;
  const stop = await driver.events.subscribe(['lifecycle'], () => told?.());
  try {
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const acted = Promise.withResolvers<void>();
      told = acted.resolve;
      const fromMs = performance.now();
      const { tasks } = await client.call(round % 2 === 0 ? 'vm.pause' : 'vm.resume', { vm: guest });
      await acted.promise;
      tookMs.push(performance.now() - fromMs);
      await client.wait(tasks[0] ?? '');
    }
    return [
      {
        area,
        what: 'a change asked of one node until another has acted',
        value: median(tookMs),
        unit: 'ms',
        note: `vm pause and resume, median of ${rounds}; p99 ${numberText(percentile(tookMs, 0.99))} ms; with the request itself`,
        goal: '≤ 100 ms',
      },
    ];
  } finally {
    await stop();
    await driver.close();
  }
}
