/** The figures of many networks: see `networks.ts` and `network-takeover.ts`. @module */
import { ClusterLab } from './cluster-lab.ts';
import type { Figure } from './figure.ts';
import { takeoverFigures } from './network-takeover.ts';
import { changeFigures, fillFigures, memoryFigures, primaryOf } from './networks.ts';

export async function networkFigures(signal: AbortSignal): Promise<Figure[]> {
  return ClusterLab.use(`bench-net-${process.pid}`, 3, signal, async (lab) => {
    const filled = await fillFigures(lab);
    const primary = await primaryOf(lab, 'hv1');
    return [
      ...filled,
      ...(await changeFigures(lab, primary)),
      ...(await memoryFigures(lab, primary)),
      ...(await takeoverFigures(lab, primary)),
    ];
  });
}
