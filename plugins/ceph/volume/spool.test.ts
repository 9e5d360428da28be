import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Spool } from './spool.ts';

const directory = '/var/lib/pvc/transfers';

function spoolWith(tasks: { path: string; state: string; action?: string }[]) {
  const host = createVirtualHost();
  const cancelled: unknown[] = [];
  const docs = () =>
    tasks.map(({ path, state, action = 'volume.import' }) => ({
      id: path,
      spec: { node: 'hv1', action, input: { path }, cancel: cancelled.includes(path) },
      status: { state },
    }));
  const runtime = {
    host,
    documents: { list: async () => docs(), get: async (_: unknown, id: string) => docs().find((one) => one.id === id) },
    directories: { state: '/var/lib/pvc' },
    node: 'hv1',
    signal: new AbortController().signal,
    perform: async (_: string, { task }: { task: string }) => void cancelled.push(task),
  };
  return { host, cancelled, spool: new Spool(runtime as never) };
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

  it('keeps what a task needs no longer than that, and lets nothing be made that nobody fetches', async () => {
    const tasks = [
      { path: `${directory}/in`, state: 'running' },
      { path: `${directory}/out`, state: 'running', action: 'volume.export' },
    ];
    const { host, cancelled, spool } = spoolWith(tasks);
    await host.files.makeDirectory(directory);
    for (const { path } of tasks) await host.files.writeAtomic(path, 'x');
    await spool.clear();
    await host.clock.advance(5_000);
    assert.deepEqual([(await host.files.list(directory))?.length, cancelled], [2, [`${directory}/out`]]);
    for (const task of tasks) task.state = 'succeeded';
    await host.clock.advance(1_000);
    assert.deepEqual(await host.files.list(directory), []);
  });

  it('refuses what the disk of the node cannot take', async () => {
    const { spool } = spoolWith([]);
    const place = spool.place(2 ** 60);
    await assert.rejects(place, { code: 'TRANSFER_NO_SPACE' });
    assert.match(await spool.place(1), /^\/var\/lib\/pvc\/transfers\/[0-9a-f-]{36}$/);
  });
});
