import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameServersIn } from './forwarders.ts';

describe('name servers of a node', () => {
  it('are read from its resolv.conf', () =>
    assert.deepEqual(
      nameServersIn(
        '# nameserver 9.9.9.9\nsearch x\nnameserver 192.0.2.53\n nameserver  2001:db8::53 \nnameserver fe80::1%eth0\nnameserver x\n',
      ),
      ['192.0.2.53', '2001:db8::53'],
    ));
});
