import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { CephCommand } from '../command/ceph-command.ts';
import { guestCopies } from './guest-copies.ts';

describe('a volume for QEMU’s tools', () => {
  it('is an RBD image by the name that it has in Ceph, and nothing secret', async () => {
    const host = createVirtualHost();
    const spec = { pool: 'vms', name: 'web-disk1', was: 'old', sizeBytes: 4096, createdMs: 0, making: true };
    const documents = { need: async () => ({ id: 'u', spec }) };
    const store = guestCopies({ documents, host, node: 'hv1' } as never, new CephCommand(host));
    assert.deepEqual(await store.blockOptions('u'), { driver: 'rbd', pool: 'vms', image: 'old' });
    assert.deepEqual(host.processes.calls, [], 'Ceph was asked');
  });
});
