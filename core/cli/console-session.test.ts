import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '../host/virtual-clock.ts';
import { escapeByte } from './console-session.ts';
import type { FakeTerminal } from './testing/fake-terminal.ts';
import { type FakeRun, type FakeRunOptions, runFake } from './testing/run-fake.ts';

/** The guest's end: what was sent to it, and what it says. */
class FakeChannel extends Duplex {
  received = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.received += chunk.toString('latin1');
    done();
  }

  override _read(): void {}

  says(bytes: string | Buffer): void {
    this.push(bytes);
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
};

/** Attaches, lets `act` play, and waits for the end. */
async function attach(
  line: string,
  options: FakeRunOptions,
  act: (channel: FakeChannel, terminal: FakeTerminal, clock: VirtualClock) => Promise<void> | void,
): Promise<FakeRun & { channel: FakeChannel }> {
  const channel = new FakeChannel();
  const clock = new VirtualClock();
  let terminal: FakeTerminal | undefined;
  const running = runFake(line, {
    clock,
    channel: () => channel,
    begin: (started) => {
      terminal = started;
    },
    ...options,
  });
  // Until the session listens to the keys.
  for (let turn = 0; turn < 500 && (terminal?.keys.listenerCount('data') ?? 0) === 0; turn += 1) await setImmediate();
  await act(channel, terminal as FakeTerminal, clock);
  const run = await running;
  assert.equal(channel.destroyed, true);
  assert.equal(run.terminal.keys.listenerCount('data'), 0);
  return { ...run, channel };
}

describe('a console', () => {
  it('passes keys and bytes through as they are, until the escape', async () => {
    const { code, out, err, channel, terminal } = await attach(
      'vm console web1',
      { columns: 80 },
      async (guest, { keys }) => {
        guest.says(Buffer.from([0xc3]));
        guest.says(Buffer.from([0xa9, 0x1b, 0x5b, 0x32, 0x4a]));
        keys.write('ls\x03\r');
        await settle();
        keys.write('x\x1dnot sent');
      },
    );
    assert.equal(code, 0);
    assert.equal(out, Buffer.from([0xc3, 0xa9, 0x1b, 0x5b, 0x32, 0x4a]).toString('latin1'));
    assert.equal(channel.received, 'ls\x03\rx');
    assert.match(err, /^Connected to web1\. Leave with Ctrl-\]\.\n[^]*\nConnection to web1: left\.\n$/);
    assert.deepEqual(terminal.rawModes, [true, false]);
  });

  it('has another escape, or none', async () => {
    const other = await attach(
      'vm console web1 --escape ^A',
      { columns: 80 },
      (_guest, { keys }) => void keys.write('\x1da\x01'),
    );
    assert.equal(other.channel.received, '\x1da');
    assert.match(other.err, /Leave with Ctrl-A/);
    const none = await attach('vm console web1 --escape none', { columns: 80 }, async (guest, { keys }) => {
      keys.write('\x1d');
      await settle();
      guest.push(null);
    });
    assert.equal(none.channel.received, '\x1d');
    assert.match(none.err, /closed by the other side/);
    const wrong = await runFake('vm console web1 --escape f');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /--escape: an escape is \^A to/);
  });

  it('gives the terminal back when the stream breaks, and says why', async () => {
    const { code, err, terminal } = await attach(
      'vm console web1',
      { columns: 80 },
      (guest) => void guest.destroy(new Error('connection reset')),
    );
    assert.equal(code, 1);
    assert.match(err, /Connection to web1: broken: connection reset\./);
    assert.deepEqual(terminal.rawModes, [true, false]);
  });

  it('gives the terminal back when the process is told to end', async () => {
    const { code, err, terminal } = await attach('vm console web1', { columns: 80 }, (_guest, started) =>
      started.interrupt('SIGTERM'),
    );
    assert.equal(code, 1);
    assert.match(err, /stopped by SIGTERM/);
    assert.deepEqual(terminal.rawModes, [true, false]);
  });

  it('streams a pipe and ends some time after it, without a word', async () => {
    const { code, out, err, channel } = await attach('vm console web1', {}, async (guest, { keys }, clock) => {
      keys.end('uptime\n\x1d\n');
      await settle();
      guest.says('up 3 days\n');
      await settle();
      await clock.advance(1499);
      guest.says('late\n');
      await settle();
      await clock.advance(1);
    });
    assert.equal(code, 0);
    assert.equal(channel.received, 'uptime\n\x1d\n');
    assert.equal(out, 'up 3 days\nlate\n');
    assert.equal(err, '');
  });

  it('is refused as a whole when there is no channel', async () => {
    const { code, terminal } = await runFake('vm console web1', { columns: 80 });
    assert.equal(code, 1);
    assert.deepEqual(terminal.rawModes, []);
  });
});

describe('escape keys', () => {
  it('are the bytes that Ctrl gives', () => {
    assert.equal(escapeByte('^]'), 0x1d);
    assert.equal(escapeByte('ctrl-a'), 1);
    assert.equal(escapeByte('^A'), 1);
    assert.equal(escapeByte('^\\'), 0x1c);
    assert.equal(escapeByte('none'), undefined);
    assert.throws(() => escapeByte('a'), /no escape key/);
  });
});
