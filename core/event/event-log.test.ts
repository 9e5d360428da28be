import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import type { FeedItem } from '../operation/operation.ts';
import type { EventView, NewEvent } from './event.ts';
import { EventLog } from './event-log.ts';

const directory = '/var/lib/pvc';
const all = () => true;
const change = (label: string, kind = 'vm'): NewEvent => ({
  kind,
  id: `id-${label}`,
  label,
  type: 'changed',
  summary: `memoryMiB 1 → ${label}`,
});
const never = new AbortController().signal;

/** A reader that runs beside the test. */
function reading(feed: AsyncIterable<FeedItem<EventView>>) {
  const items: FeedItem<EventView>[] = [];
  const done = (async () => {
    for await (const item of feed) items.push(item);
  })();
  return { items, labels: () => items.map(({ data }) => (data.type === 'resync' ? 'RESYNC' : data.label)), done };
}

const settle = async (log: EventLog): Promise<void> => {
  await log.settled();
  await new Promise((resolve) => setImmediate(resolve));
};

async function add(log: EventLog, ...labels: string[]): Promise<void> {
  for (const label of labels) log.add([change(label)]);
  await settle(log);
}

describe('the event log', () => {
  it('tells readers what comes, with ids, in order', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'before');
    const stop = new AbortController();
    const reader = reading(log.follow(undefined, all, stop.signal));
    const some = reading(log.follow(undefined, (event) => event.label === 'b', stop.signal));
    const earlier = reading(log.follow(undefined, all, stop.signal, 1));
    await settle(log);
    await add(log, 'a', 'b');
    assert.deepEqual(reader.labels(), ['a', 'b']);
    assert.deepEqual(some.labels(), ['b']);
    assert.deepEqual(earlier.labels(), ['before', 'a', 'b']);
    assert.deepEqual(reader.items[1], {
      id: log.idOf(3),
      event: 'changed',
      data: { seq: 3, atMs: host.clock.wallMs(), ...change('b') },
    });
    assert.deepEqual(
      log.list((event) => event.label !== 'a', 1).map((event) => event.label),
      ['b'],
    );
    stop.abort();
    await Promise.all([reader.done, some.done, earlier.done]);
  });

  it('goes on after an id, also in the life of the next daemon', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'a', 'b', 'c');
    const stop = new AbortController();
    const reader = reading(log.follow(log.idOf(1), all, stop.signal));
    await settle(log);
    assert.deepEqual(reader.labels(), ['b', 'c']);

    const next = await EventLog.open({ host, directory });
    await settle(next);
    const resumed = reading(next.follow(log.idOf(2), all, stop.signal));
    await settle(next);
    await add(next, 'd');
    assert.deepEqual(
      resumed.labels(),
      ['c', 'RESYNC', 'd'],
      'the restart itself is told: something may have changed meanwhile',
    );
    assert.deepEqual(
      resumed.items.map(({ id }) => id),
      [3, 4, 5].map((seq) => log.idOf(seq)),
    );
    stop.abort();
  });

  it('says that events are missing for an id that it does not know', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory, capacity: 3 });
    await add(log, 'a', 'b', 'c', 'd', 'e');
    const stop = new AbortController();
    for (const id of ['other-3', log.idOf(1), log.idOf(99), 'nonsense', '']) {
      const reader = reading(log.follow(id, all, stop.signal));
      await settle(log);
      assert.deepEqual(reader.labels(), ['RESYNC'], id);
      assert.equal(reader.items[0]?.event, 'resync');
      assert.equal(reader.items[0]?.id, log.idOf(5), 'from here it can be resumed');
    }
    for (const [id, labels] of [
      [log.idOf(2), ['c', 'd', 'e']],
      [log.idOf(5), []],
    ] as const) {
      const reader = reading(log.follow(id, all, stop.signal));
      await settle(log);
      assert.deepEqual(reader.labels(), labels);
    }
    stop.abort();
  });

  it('tells a reader that is too slow that it missed something', async () => {
    const log = await EventLog.open({ host: createVirtualHost(), directory, capacity: 4 });
    const feed = log.follow(undefined, all, never)[Symbol.asyncIterator]();
    const first = feed.next();
    await add(log, 'a');
    assert.equal((await first).value?.data.label, 'a');
    await add(log, 'b', 'c', 'd', 'e', 'f', 'g');
    const seen: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { data } = (await feed.next()).value as FeedItem<EventView>;
      seen.push(data.type === 'resync' ? 'RESYNC' : data.label);
    }
    assert.deepEqual(seen, ['RESYNC', 'd', 'e', 'f', 'g']);
  });

  it('keeps memory and files bounded', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory, capacity: 10 });
    for (let count = 1; count <= 95; count += 1) await add(log, String(count));
    assert.equal(log.list(all, 1000).length, 10);
    const files = host.files.snapshot();
    assert.deepEqual(Object.keys(files), [`${directory}/events.1.jsonl`, `${directory}/events.jsonl`]);
    for (const text of Object.values(files)) assert.ok(text.split('\n').length <= 12, text);
    const next = await EventLog.open({ host, directory, capacity: 10 });
    assert.equal(next.list(all, 1000)[0]?.label, '86');
    const long = await EventLog.open({ host: createVirtualHost(), directory });
    long.add([{ ...change('x'), summary: 'y'.repeat(10_000) }]);
    await long.settled();
    assert.equal(long.list(all, 1)[0]?.summary.length, 500);
  });

  it('survives damage in its file', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'a', 'b', 'c');
    const path = `${directory}/events.jsonl`;
    const text = (await host.files.readText(path)) ?? '';
    // Power was lost in the middle of the last line.
    await host.files.writeAtomic(path, text.slice(0, -20));
    const next = await EventLog.open({ host, directory });
    await add(next, 'd');
    assert.deepEqual(
      next.list(all, 10).map((event) => event.label),
      ['a', 'b', '', 'd'],
    );
    assert.match(host.logLines.join(), /damaged/);
    const third = await EventLog.open({ host, directory });
    assert.equal(third.list(all, 10).length, 4, 'what came after the half line is whole');

    // A line in the middle is gone: what is before cannot be resumed from.
    await host.files.writeAtomic(path, text.replace(/.*"label":"b".*\n/, 'garbage\n'));
    const gap = await EventLog.open({ host, directory });
    await settle(gap);
    const reader = reading(gap.follow(log.idOf(1), all, never));
    await settle(gap);
    assert.deepEqual(reader.labels(), ['RESYNC']);
    await host.files.writeAtomic(path, '\0\0\0nothing of ours');
    await add(await EventLog.open({ host, directory }), 'e');
  });

  it('gives ids of a new series after a reboot: the last lines may be lost', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'a', 'b');
    host.facts = { ...host.facts, bootId: 'another' };
    const next = await EventLog.open({ host, directory });
    await settle(next);
    assert.deepEqual(
      next.list(all, 10).map((event) => event.seq),
      [1, 2, 3],
    );
    const reader = reading(next.follow(log.idOf(1), all, never));
    await settle(next);
    assert.deepEqual(reader.labels(), ['RESYNC']);
    const third = await EventLog.open({ host, directory });
    assert.equal(third.idOf(1), next.idOf(1), 'the new series goes on in the same boot');
  });

  it('goes on in memory when the disk is full, and does not claim that those ids last', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'a');
    const before = log.idOf(1);
    const reader = reading(log.follow(undefined, all, never));
    await settle(log);
    host.files.fault = (path, write) => (write && path.includes('events') ? 'disk-full' : undefined);
    await add(log, 'b', 'c');
    assert.deepEqual(reader.labels(), ['b', 'c']);
    assert.equal(host.logLines.filter((line) => line.includes('cannot be kept')).length, 1);
    host.files.fault = () => undefined;
    await add(log, 'd');
    const lastId = reader.items.at(-1)?.id;
    assert.deepEqual(reader.labels(), ['b', 'c', 'd']);

    const next = await EventLog.open({ host, directory });
    await settle(next);
    const known = reading(next.follow(lastId, all, never));
    const lost = reading(next.follow(before, all, never));
    const inMemory = reading(next.follow(reader.items[0]?.id, all, never));
    await settle(next);
    assert.deepEqual(known.labels(), ['RESYNC'], 'only the restart');
    assert.equal(known.items[0]?.data.seq, 5);
    assert.deepEqual(lost.labels(), ['RESYNC']);
    assert.deepEqual(inMemory.labels(), ['RESYNC']);
  });

  it('does not know ids again that it could not write before it ended', async () => {
    const host = createVirtualHost();
    const log = await EventLog.open({ host, directory });
    await add(log, 'a');
    host.files.fault = (path, write) => (write && path.includes('events') ? 'disk-full' : undefined);
    const reader = reading(log.follow(undefined, all, never));
    await settle(log);
    await add(log, 'b', 'c');
    host.files.fault = () => undefined;
    const next = await EventLog.open({ host, directory });
    await add(next, 'x', 'y', 'z');
    const resumed = reading(next.follow(reader.items[1]?.id, all, never));
    await settle(next);
    assert.deepEqual(resumed.labels(), ['RESYNC'], 'number 3 is another event now');
    assert.match(resumed.items[0]?.data.summary ?? '', /does not know where you stopped/);
  });

  it('starts when its files cannot be read, and says so', async () => {
    const host = createVirtualHost();
    host.files.fault = (path) => (path.includes('events') ? 'denied' : undefined);
    const log = await EventLog.open({ host, directory });
    await add(log, 'a');
    assert.equal(log.list(all, 1)[0]?.label, 'a');
    assert.match(host.logLines.join(), /cannot be read/);
  });
});
