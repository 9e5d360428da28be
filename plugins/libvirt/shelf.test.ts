import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { Documents } from '../../core/store/documents.ts';
import { MemoryCluster } from '../../core/store/memory.ts';
import { Shelf, shelvesIn } from './shelf.ts';

const state = '/var/lib/pvc';

it('a shelf is cleared of its own places, and of nothing that somebody else has put beside or into it', async () => {
  const host = createVirtualHost();
  const { files } = host;
  const runtime = {
    ...{ host, node: 'hv1', signal: new AbortController().signal },
    documents: new Documents(new MemoryCluster({ clock: host.clock }).open('hv1')),
    directories: { state } as never,
  };
  const shelf = new Shelf(runtime, {
    name: 'images',
    action: 'image.import',
    field: 'path',
    full: () => new Error('full'),
  });
  const place = await shelf.place(0);
  await files.writeAtomic(`${place}/disk`, 'half of it', 0o600);
  const others = [`${state}/images/web1.img`, `${shelvesIn(state)}/images/web1.img`, `${shelvesIn(state)}/other/x`];
  for (const path of others) {
    await files.makeDirectory(path.slice(0, path.lastIndexOf('/')), 0o755);
    await files.writeAtomic(path, 'the disk of a guest', 0o600);
  }
  await shelf.clear();
  assert.equal(await files.readText(`${place}/disk`), undefined);
  for (const path of others) assert.equal(await files.readText(path), 'the disk of a guest', path);
});
