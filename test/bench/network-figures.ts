/** The figures of many networks: see `networks.ts` and `network-takeover.ts`. @module */
import { ClusterLab } from './cluster-lab.ts';
import type { Figure } from './figure.ts';
import { handoverFigures, lossFigures } from './network-takeover.ts';
import { changeFigures, fillFigures, memoryFigures, primaryOf } from './networks.ts';

/**
 * @param stages how many networks there are, one number after the other: at each all is measured but the loss of the
 *   primary, which comes at the end
 * @param stepped is told what is begun
 */
export async function networkFigures(
  signal: AbortSignal,
  stages: readonly number[],
  stepped: (text: string) => void,
): Promise<Figure[]> {
  return ClusterLab.use(`bench-net-${process.pid}`, 3, signal, async (lab) => {
    const figures: Figure[] = [];
    for (const [stage, networks] of stages.entries()) {
      stepped(`${networks} networks`);
      figures.push(...(await fillFigures(lab, stages[stage - 1] ?? 0, networks)));
      const primary = await primaryOf(lab, 'hv1');
      stepped('changes of one');
      figures.push(...(await changeFigures(lab, primary, stage, networks)));
      figures.push(...(await memoryFigures(lab, primary, networks)));
      stepped('the primary is another');
      figures.push(...(await handoverFigures(lab, primary, networks)));
    }
    stepped('the primary loses power');
    figures.push(...(await lossFigures(lab, await primaryOf(lab, 'hv1'), stages.at(-1) ?? 0)));
    return figures;
  });
}
