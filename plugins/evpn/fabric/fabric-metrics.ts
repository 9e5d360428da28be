/** Metrics of the fabric, from the last look of the health check; FRR is not asked for them. @module */
import type { MetricDefinition, MetricSample } from '../../../core/plugin/api.ts';
import type { FabricFigures, FabricHealth } from './fabric-health.ts';

export function fabricMetrics(health: Pick<FabricHealth, 'figures'>): MetricDefinition[] {
  const figure = (name: string, help: string, read: (figures: FabricFigures) => number): MetricDefinition => ({
    name,
    help,
    type: 'gauge',
    labels: [],
    collect: (): MetricSample[] => (health.figures === undefined ? [] : [{ value: read(health.figures) }]),
  });
  return [
    figure(
      'pvc_network_sessions_wanted',
      'BGP sessions that this node must have with nodes that run.',
      ({ wanted }) => wanted,
    ),
    figure('pvc_network_sessions_established', 'Of those, the ones that it has.', ({ established }) => established),
  ];
}
