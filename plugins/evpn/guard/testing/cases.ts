/** Cards of which the guard's ruleset is made in tests. @module */
import type { CardGuard } from '../guard-ruleset.ts';

const [a, b] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b'];
const gateways = ['10.20.0.1', 'fd20::1'];

/** By the name of their golden files. */
export const guardCases: Readonly<Record<string, readonly CardGuard[]>> = {
  'no-card': [],
  'limit-in': [{ mac: a, limitIn: 12_500 }],
  'limit-out': [{ mac: a, limitOut: 1 }],
  'limits-of-two': [
    { mac: b, limitIn: 125, limitOut: 12_500_000 },
    { mac: a, limitIn: 1_000 },
  ],
  'anti-spoof-on-an-island': [{ mac: a, identity: { addresses: [], gateways: [] } }],
  'anti-spoof-without-addresses': [{ mac: a, identity: { addresses: [], gateways } }],
  'anti-spoof-ipv4': [{ mac: a, identity: { addresses: ['10.20.0.10'], gateways: ['10.20.0.1'] } }],
  'anti-spoof-ipv6': [{ mac: a, identity: { addresses: ['fd20::10', 'fd20::a'], gateways: ['fd20::1'] } }],
  'anti-spoof-both-families': [{ mac: a, identity: { addresses: ['fd20::10', '10.20.0.11', '10.20.0.10'], gateways } }],
  'all-of-two': [
    { mac: b, limitIn: 125, limitOut: 250, identity: { addresses: ['10.20.0.11'], gateways } },
    { mac: a, limitOut: 250, identity: { addresses: ['fd20::10'], gateways } },
  ],
};
