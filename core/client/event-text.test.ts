import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eventText } from '../api/event-stream.ts';
import { EventTextReader, type RawEvent } from './event-text.ts';

const read = (...pieces: (string | Uint8Array)[]): RawEvent[] => {
  const reader = new EventTextReader();
  return pieces.flatMap((piece) => reader.push(typeof piece === 'string' ? Buffer.from(piece) : piece));
};

describe('the reader of server-sent events', () => {
  it('reads fields, comments and several lines of data', () =>
    assert.deepEqual(read('\ufeff: hello\n\nid: 7\nevent: bark\ndata: one\ndata:two\nretry: 9\nodd\n\ndata\n\n'), [
      { id: '7', event: 'bark', data: 'one\ntwo' },
      { data: '' },
    ]));

  it('takes every kind of line end', () =>
    assert.deepEqual(read('data: a\r\n\r\ndata: b\r\rdata: c\n\n'), [{ data: 'a' }, { data: 'b' }, { data: 'c' }]));

  it('drops what is not complete, and an id without data is no event', () => {
    assert.deepEqual(read('data: a\n\ndata: b\n'), [{ data: 'a' }]);
    assert.deepEqual(read('id: 1\n\ndata: a\n\n'), [{ data: 'a' }]);
    assert.deepEqual(read('id: a\0b\ndata: x\n\n'), [{ data: 'x' }]);
  });

  it('refuses an event without end', () => {
    const reader = new EventTextReader();
    const piece = Buffer.alloc(1024 * 1024, 'a');
    reader.push(Buffer.from('data: '));
    assert.throws(() => {
      for (let count = 0; count < 20; count += 1) reader.push(piece);
    }, RangeError);
    const lines = new EventTextReader();
    const line = Buffer.from(`data: ${'a'.repeat(1024 * 1024)}\n`);
    assert.throws(() => {
      for (let count = 0; count < 20; count += 1) lines.push(line);
    }, RangeError);
  });

  it('reads what the API writes, wherever it is cut', () => {
    const item = fc.record({
      id: fc.option(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { nil: undefined }),
      event: fc.option(fc.stringMatching(/^[a-z]{1,8}$/), { nil: undefined }),
      data: fc.jsonValue(),
    });
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 5 }),
        fc.array(fc.nat(400), { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (items, cuts, end) => {
          const written = items
            .map((one) =>
              eventText({
                data: one.data,
                ...(one.id === undefined ? {} : { id: one.id }),
                ...(one.event === undefined ? {} : { event: one.event }),
              }),
            )
            .join(': still here\n\n');
          const bytes = Buffer.from(written.replaceAll('\n', end));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
          const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
          assert.deepEqual(
            read(...pieces),
            items.map(({ id, event, data }) => ({
              ...(id === undefined ? {} : { id }),
              ...(event === undefined ? {} : { event }),
              data: JSON.stringify(data),
            })),
          );
        },
      ),
    );
  });
});
