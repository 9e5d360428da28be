/** Gateways and routers of which muzzles are made in tests. @module */
import { routerLinkLocal } from '../gateway-plan.ts';
import type { MuzzleInput } from '../muzzle.ts';

const on = (device: string, ...addresses: string[]) => addresses.map((address) => ({ device, address }));

/** By the name of their golden files. */
export const muzzleCases: Readonly<Record<string, MuzzleInput>> = {
  'no-gateway': { addresses: [], routers: [] },
  'no-gateway-but-a-router': { addresses: [], routers: ['10.10.2.1'] },
  'ipv4-gateway': { addresses: on('pvcn100', '10.20.0.1/24'), routers: [] },
  'ipv6-gateway': { addresses: on('pvcn100', 'fd20::1/64', routerLinkLocal), routers: [] },
  'both-families-with-routers': {
    addresses: [
      ...on('pvcn200', '10.21.255.254/16', 'fd21::1/64', routerLinkLocal),
      ...on('pvcn100', '10.20.0.1/24', 'fd20::1/64', routerLinkLocal),
    ],
    routers: ['10.10.2.2', '10.10.2.1', 'fd00:2::1'],
  },
  'two-hundred-gateways': {
    addresses: Array.from({ length: 200 }, (_, index) =>
      on(`pvcn${10_000 + index}`, `10.60.${index}.1/24`, `fd60:${index}::1/64`, routerLinkLocal),
    ).flat(),
    routers: ['10.10.2.1'],
  },
};
