/** What is wrong with the addresses of a network. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const addressError = defineErrors({
  NETWORK_PREFIX: {
    message: 'The network {network} cannot have the prefix {prefix}: {reason}.',
    hint: '{advice} Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NETWORK_GATEWAY: {
    message: 'The network {network} cannot have the gateway {gateway}: {reason}.',
    hint: '{advice} Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NETWORK_OVERLAP: {
    message: 'The network {network} cannot have a gateway in {prefix}: that overlaps with {other} of {whose}.',
    hint: 'Packets would go astray. Take another prefix, or leave the gateway out: networks without one may overlap. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
});
