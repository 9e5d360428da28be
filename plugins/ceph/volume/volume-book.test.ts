import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { VolumeBook } from './volume-book.ts';

describe('a volume that is made', () => {
  it('is not made again by a task that died before it could say that it is done', async () => {
    const spec = { pool: 'vms', name: 'web1', sizeBytes: 4096, createdMs: 0, making: false };
    const run = { spec: { target: { id: 'u' } }, phase: 'make', signal: new AbortController().signal };
    const documents = { need: async () => ({ id: 'u', spec }) };
    const asked = () => assert.fail('Ceph was asked');
    const ceph = new Proxy({}, { get: () => asked });
    const book = new VolumeBook({ documents, host: createVirtualHost() } as never, ceph as never);
    assert.deepEqual(await book.make(run as never, asked), { volume: 'vms/web1', sizeBytes: 4096 });
  });
});
