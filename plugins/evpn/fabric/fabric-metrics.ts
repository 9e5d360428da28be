/** Metrics of the fabric, from the last look of the health check; FRR is not asked for them. @module */
import type { MetricDefinition, MetricSample } from '../../../core/plugin/api.ts';
import type { FabricFigures, FabricHealth } from './fabric-health.ts';

export function fabricMetrics(health: Pick<FabricHealth, 'figures'>): MetricDefinition[] {
  const figure = (
    name: string,
    help: string,
    read: (figures: FabricFigures) => number | undefined,
  ): MetricDefinition => ({
    name,
    help,
    type: 'gauge',
    labels: [],
    collect: (): MetricSample[] => {
      const value = health.figures && read(health.figures);
      return value === undefined ? [] : [{ value }];
    },
  });
  return [
    figure(
      'pvc_network_sessions_wanted',
      'BGP sessions that this node must have with nodes that run.',
      ({ wanted }) => wanted,
    ),
    figure('pvc_network_sessions_established', 'Of those, the ones that it has.', ({ established }) => established),
    figure('pvc_network_sessions_watched', 'Of those, the ones that BFD watches.', ({ watched }) => watched),
  ];
}
