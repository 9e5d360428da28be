import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Spool } from './spool.ts';

const directory = '/var/lib/pvc/transfers';

function spoolWith(tasks: readonly { path: string; state: string }[]) {
  const host = createVirtualHost();
  const documents = {
    list: async () => tasks.map(({ path, state }) => ({ spec: { input: { path } }, status: { state } })),
  };
  const spool = new Spool({ host, documents, directories: { state: '/var/lib/pvc' }, node: 'hv1' } as never);
  return { host, spool };
}

describe('the place for files that are on their way', () => {
  it('keeps at the start what a task still needs, and nothing else', async () => {
    const { host, spool } = spoolWith([
      { path: `${directory}/a`, state: 'running' },
      { path: `${directory}/b`, state: 'failed' },
    ]);
    await host.files.makeDirectory(directory);
    for (const name of ['a', 'a.pvc-7', 'b', '.half.tmp']) await host.files.writeAtomic(`${directory}/${name}`, 'x');
    await spool.clear();
    assert.deepEqual((await host.files.list(directory))?.toSorted(), ['a', 'a.pvc-7']);
  });

  it('refuses what the disk of the node cannot take', async () => {
    const { spool } = spoolWith([]);
    const place = spool.place(2 ** 60);
    await assert.rejects(place, { code: 'TRANSFER_NO_SPACE' });
    assert.match(await spool.place(1), /^\/var\/lib\/pvc\/transfers\/[0-9a-f-]{36}$/);
  });
});
