/** A lab of three nodes: how long it takes to be there, to hand over, to act, to move a guest, to fail over. @module */
import { setTimeout as delay } from 'node:timers/promises';
import { switchPower } from '../lab/power.ts';
import { changeToActionFigures } from './change-to-action.ts';
import { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText } from './figure.ts';
import { moveFigures } from './guest-move.ts';

const area = 'cluster of three';

/** Figures of a lab that is taken away again. */
export async function clusterFigures(signal: AbortSignal): Promise<Figure[]> {
  const fromMs = performance.now();
  return ClusterLab.use(`bench-cluster-${process.pid}`, 3, signal, async (lab) => {
    const upMs = performance.now() - fromMs;
    return [
      { area, what: 'nodes switched on until all run', value: upMs / 1000, unit: 's', goal: '≤ 90 s' },
      await handOverFigure(lab),
      ...(await moveFigures(lab, area)),
      // The last move ends on hv1.
      ...(await changeToActionFigures(lab, area, { guest: 'mover', at: 'hv1', asked: 'hv2' })),
      await failOverFigure(lab),
    ];
  });
}

async function handOver(lab: ClusterLab, to: string): Promise<void> {
  const client = await lab.client('hv1');
  await client.call('node.primary', { node: to });
  await client.call('cluster.primary', { is: to });
}

async function handOverFigure(lab: ClusterLab): Promise<Figure> {
  const tookMs: number[] = [];
  for (const to of ['hv2', 'hv3', 'hv1', 'hv2', 'hv1']) {
    const fromMs = performance.now();
    await handOver(lab, to);
    tookMs.push(performance.now() - fromMs);
  }
  return {
    area,
    what: 'planned hand-over of the primary',
    value: median(tookMs),
    unit: 'ms',
    note: `median of ${tookMs.length}, most ${numberText(Math.max(...tookMs))} ms`,
    goal: '≤ 3,000 ms',
  };
}

async function failOverFigure(lab: ClusterLab): Promise<Figure> {
  const client = await lab.client('hv1');
  const tookMs: number[] = [];
  for (const victim of ['hv2', 'hv3', 'hv2']) {
    // The daemon that is asked must live on.
    if ((await client.call('cluster.status', {})).primary !== victim) await handOver(lab, victim);
    const fromMs = performance.now();
    await switchPower(lab.record, victim, 'off');
    const { primary } = await client.call('cluster.primary', { not: victim });
    if (primary === null) throw new Error(`nobody is primary after ${victim} was switched off`);
    tookMs.push(performance.now() - fromMs);
    await switchPower(lab.record, victim, 'on');
    await lab.until(
      `${victim} to run`,
      async () => (await client.call('node.info', { node: victim })).daemon === 'run',
    );
    await delay(5_000);
  }
  return {
    area,
    what: 'power cut of the primary until another is',
    value: median(tookMs),
    unit: 'ms',
    note: `median of ${tookMs.length}, most ${numberText(Math.max(...tookMs))} ms`,
    goal: '≤ 8,000 ms',
  };
}
