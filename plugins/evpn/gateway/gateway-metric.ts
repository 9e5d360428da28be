/** How many addresses of gateways this node has. @module */
import type { MetricDefinition } from '../../../core/plugin/api.ts';
import type { Gateways } from './gateways.ts';

export const gatewayMetric = (gateways: Pick<Gateways, 'held'>): MetricDefinition => ({
  name: 'pvc_network_gateway_addresses',
  help: 'Addresses of gateways of networks that this node has now; none but on the primary.',
  type: 'gauge',
  labels: [],
  collect: () => [{ value: gateways.held.length }],
});
