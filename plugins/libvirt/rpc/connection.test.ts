import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/error/error.ts';
import { errorPayload, FakeDaemon, settle } from '../../../test/libvirt/fake-daemon.ts';
import { encode, int } from './codec.ts';
import { type LibvirtConnection, openLibvirt } from './connection.ts';
import { LibvirtError } from './errors.ts';
import { encodeFrame, program } from './frame.ts';

const target = { path: '/run/libvirt/libvirt-sock' };
const open = (daemon: FakeDaemon): Promise<LibvirtConnection> =>
  openLibvirt(daemon.host, { target, uri: 'qemu:///system', keepaliveMs: 8_000, callTimeoutMs: 30_000 });
const uuid = '7f1f1a1e-0000-4000-8000-000000000001';
const domain = { name: 'web1', uuid, id: 3 };

/** The error of a promise that must reject. */
const rejection = async (promise: Promise<unknown>): Promise<PvcError> => {
  const error = await promise.then(
    () => assert.fail('resolved'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PvcError, String(error));
  return error;
};

/** Notes how a promise ends, so that it may be left alone for a while. */
const outcome = (promise: Promise<unknown>): { error?: PvcError; value?: unknown } => {
  const ended: { error?: PvcError; value?: unknown } = {};
  promise.then(
    (value) => Object.assign(ended, { value }),
    (error: unknown) => Object.assign(ended, { error }),
  );
  return ended;
};

describe('a libvirt connection', () => {
  it('matches replies to calls by serial, in whatever order they come', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const hostname = connection.call('connectGetHostname', {});
    const lookup = connection.call('domainLookupByUuid', { uuid });
    await settle();
    const [first, second] = daemon.received;
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.serial, first.serial + 1);
    daemon.reply(second, 'domainLookupByUuid', { domain });
    daemon.reply(first, 'connectGetHostname', { value: 'hv1' });
    assert.deepEqual(await lookup, { domain });
    assert.deepEqual(await hostname, { value: 'hv1' });
    await connection.close();
    assert.equal(await connection.closed, undefined);
  });

  it('is closed, and not lost, when libvirtd hangs up as soon as it hears that we leave', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    daemon.answers.set('connectClose', () => daemon.socket.destroy());
    await connection.close();
    assert.equal(await connection.closed, undefined);
  });

  it("turns an error reply into a LibvirtError with libvirt's names", async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    daemon.answers.set('domainLookupByUuid', (frame) =>
      daemon.refuse(frame, { code: 42, message: 'Domain not found' }),
    );
    const error = await rejection(connection.call('domainLookupByUuid', { uuid }));
    assert.ok(error instanceof LibvirtError);
    assert.deepEqual(
      [error.code, error.libvirtCode, error.libvirtName, error.libvirtDomain, error.level, error.message],
      ['LIBVIRT_REFUSED', 42, 'NO_DOMAIN', 'QEMU', 'error', 'libvirt refused domainLookupByUuid: Domain not found'],
    );
    await connection.close();
  });

  it('gives libvirtd four calls at a time and sends the next when one is answered', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const calls = Array.from({ length: 6 }, () => outcome(connection.call('connectGetHostname', {})));
    await settle();
    assert.equal(daemon.received.length, 4);
    assert.equal(connection.room, 0);
    daemon.reply(daemon.received[1] as never, 'connectGetHostname', { value: 'hv1' });
    await settle();
    assert.equal(daemon.received.length, 5);
    assert.deepEqual(calls[1]?.value, { value: 'hv1' });
    await connection.close();
  });

  it('refuses to send what cannot be sent, and sends nothing', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const error = await rejection(connection.call('domainCreateXml', { xml: 'x'.repeat(4_194_305), flags: 0 }));
    assert.equal(error.code, 'LIBVIRT_BAD_ARGUMENT');
    assert.deepEqual(daemon.received, []);
    await connection.close();
  });

  it('says that authentication is needed', async () => {
    const daemon = new FakeDaemon();
    daemon.answers.set('authList', (frame) => daemon.reply(frame, 'authList', { types: [1] }));
    const error = await rejection(open(daemon));
    assert.equal(error.code, 'LIBVIRT_AUTH_NEEDED');
    assert.match(error.message, /sasl/);
    assert.ok(daemon.socket.destroyed);
  });
});

describe('a call without an answer', () => {
  const lost = async (
    end: (daemon: FakeDaemon, connection: LibvirtConnection) => unknown,
  ): Promise<{ read: PvcError; write: PvcError; queued: PvcError; reason: PvcError | undefined }> => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const read = outcome(connection.call('connectGetHostname', {}));
    const write = outcome(connection.call('domainCreateXml', { xml: '<domain/>', flags: 0 }));
    for (let fill = 0; fill < 2; fill++) outcome(connection.call('connectGetHostname', {}));
    const queued = outcome(connection.call('domainCreateXml', { xml: '<domain/>', flags: 0 }));
    await settle();
    await end(daemon, connection);
    await settle();
    assert.ok(read.error && write.error && queued.error);
    return { read: read.error, write: write.error, queued: queued.error, reason: await connection.closed };
  };

  it('tells apart what changes something, what only reads, and what was never sent', async () => {
    const { read, write, queued, reason } = await lost((daemon) => daemon.socket.destroy());
    assert.equal(read.code, 'LIBVIRT_LOST');
    assert.equal(write.code, 'LIBVIRT_OUTCOME_UNKNOWN');
    assert.equal(write.exit, 'unknown');
    assert.match(write.message, /domainCreateXml/);
    assert.equal(queued.code, 'LIBVIRT_LOST');
    assert.equal(reason?.code, 'LIBVIRT_LOST');
  });

  it('ends likewise when we close', async () => {
    const { read, write, queued, reason } = await lost((_, connection) => connection.close());
    assert.deepEqual(
      [read.code, write.code, queued.code, reason],
      ['LIBVIRT_CLOSED', 'LIBVIRT_OUTCOME_UNKNOWN', 'LIBVIRT_CLOSED', undefined],
    );
  });

  it('ends likewise when libvirtd hangs, after the silence that was set', async () => {
    const { read, write, reason } = await lost((daemon) => daemon.clock.advance(10_000));
    assert.deepEqual(
      [read.code, write.code, reason?.code],
      ['LIBVIRT_HUNG', 'LIBVIRT_OUTCOME_UNKNOWN', 'LIBVIRT_HUNG'],
    );
  });

  it('ends at its time-out; the late answer is no protocol error', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const read = outcome(connection.call('connectGetHostname', {}, { timeoutMs: 1_000 }));
    const write = outcome(connection.call('domainReset', { domain, flags: 0 }, { timeoutMs: 1_000 }));
    await daemon.clock.advance(1_000);
    assert.equal(read.error?.code, 'LIBVIRT_SLOW');
    assert.equal(write.error?.code, 'LIBVIRT_OUTCOME_UNKNOWN');
    assert.equal(connection.room, 2, 'libvirtd still works on them');
    daemon.reply(daemon.received[0] as never, 'connectGetHostname', { value: 'late' });
    daemon.reply(daemon.received[1] as never, 'domainReset', {});
    await settle();
    assert.equal(connection.room, 4);
    daemon.answers.set('connectGetHostname', (frame) => daemon.reply(frame, 'connectGetHostname', { value: 'hv1' }));
    assert.deepEqual(await connection.call('connectGetHostname', {}), { value: 'hv1' });
    await connection.close();
  });

  it('ends when its caller cancels', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const control = new AbortController();
    const read = outcome(connection.call('connectGetHostname', {}, { signal: control.signal }));
    const write = outcome(connection.call('domainReset', { domain, flags: 0 }, { signal: control.signal }));
    await settle();
    control.abort();
    await settle();
    assert.deepEqual([read.error?.code, write.error?.code], ['LIBVIRT_CANCELLED', 'LIBVIRT_OUTCOME_UNKNOWN']);
    const never = await rejection(connection.call('domainReset', { domain, flags: 0 }, { signal: control.signal }));
    assert.equal(never.code, 'LIBVIRT_CANCELLED');
    assert.equal(daemon.received.length, 2);
    await connection.close();
  });

  it('leaves no timer behind', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    outcome(connection.call('connectGetHostname', {}));
    await settle();
    daemon.socket.destroy();
    await connection.closed;
    await settle();
    assert.equal(daemon.clock.pending, 0);
    const error = await rejection(connection.call('connectGetHostname', {}));
    assert.equal(error.code, 'LIBVIRT_LOST');
  });
});

describe('keepalive', () => {
  const keepalive = (procedure: number) =>
    ({ program: program.keepalive, procedure, type: 'message', serial: 0 }) as const;

  it('answers a ping with a pong', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    daemon.send(keepalive(1));
    await settle();
    const [pong] = daemon.received;
    assert.deepEqual(
      [pong?.program, pong?.procedure, pong?.type, pong?.serial, pong?.payload.length],
      [program.keepalive, 2, 'message', 0, 0],
    );
    await connection.close();
  });

  it('pings a quiet libvirtd and goes on as long as pongs come', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    let answered = 0;
    for (let second = 0; second < 120; second++) {
      await daemon.clock.advance(1_000);
      for (const frame of daemon.received.splice(0)) {
        assert.deepEqual([frame.program, frame.procedure], [program.keepalive, 1]);
        daemon.send(keepalive(2));
        answered++;
      }
    }
    assert.ok(answered >= 20, `${answered} pings in two minutes`);
    await connection.close();
  });
});

describe('a libvirtd that talks nonsense', () => {
  const nonsense: readonly (readonly [string, (daemon: FakeDaemon) => void, RegExp])[] = [
    [
      'a reply to a call never made',
      (daemon) => daemon.send({ serial: 999 }),
      /a reply to call 999, which was never made/,
    ],
    ['an unknown program', (daemon) => daemon.send({ program: 0x1234 }), /unknown program 0x1234/],
    ['another protocol version', (daemon) => daemon.send({ version: 2 }), /unknown protocol version 2/],
    ['a call', (daemon) => daemon.send({ type: 'call' }), /made a call/],
    ['a giant length', (daemon) => daemon.sendBytes(Buffer.from('7fffffff', 'hex')), /2147483647 bytes was announced/],
    [
      'an HTTP answer',
      (daemon) => daemon.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
      /1213486160 bytes was announced/,
    ],
    [
      'an error that is no error',
      (daemon) => daemon.send({ serial: 3, status: 'error', payload: encode(int, 42) }),
      /4 bytes expected/,
    ],
  ];
  for (const [what, say, message] of nonsense) {
    it(`${what}: the connection ends with the reason, and so do its calls`, async () => {
      const daemon = new FakeDaemon();
      const connection = await open(daemon);
      const pending = outcome(connection.call('connectGetHostname', {}));
      await settle();
      assert.equal(daemon.received[0]?.serial, 3);
      say(daemon);
      const reason = await connection.closed;
      assert.equal(reason?.code, 'LIBVIRT_PROTOCOL');
      assert.match(reason.message, message);
      await settle();
      assert.equal(pending.error, reason);
      assert.ok(daemon.socket.destroyed);
    });
  }

  it('a reply with the wrong layout fails that call alone', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    for (const payload of [new Uint8Array(0), encode(int, 3), Buffer.from('0000000168763100000000ff', 'hex')]) {
      daemon.answers.set('connectGetHostname', (frame) => daemon.send({ ...frame, type: 'reply', payload }));
      const error = await rejection(connection.call('connectGetHostname', {}));
      assert.equal(error.code, 'LIBVIRT_PROTOCOL');
    }
    daemon.answers.set('connectGetHostname', (frame) => daemon.reply(frame, 'connectGetHostname', { value: 'hv1' }));
    assert.deepEqual(await connection.call('connectGetHostname', {}), { value: 'hv1' });
    await connection.close();
  });

  it('events and stream data that nobody waits for are dropped', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    daemon.send({ type: 'message', procedure: 318, payload: Buffer.alloc(40) });
    daemon.send({ type: 'message', procedure: 9999 });
    daemon.send({ type: 'stream', procedure: 201, serial: 55, status: 'continue', payload: Buffer.from('late') });
    daemon.answers.set('connectGetHostname', (frame) => daemon.reply(frame, 'connectGetHostname', { value: 'hv1' }));
    assert.deepEqual(await connection.call('connectGetHostname', {}), { value: 'hv1' });
    await connection.close();
  });
});

describe('streams', () => {
  const withConsole = async (whenSlow: 'fail' | 'hold' = 'fail') => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    daemon.answers.set('domainOpenConsole', (frame) => {
      serial = frame.serial;
      // Data right behind the reply, in the same packet.
      const header = { program: program.remote, version: 1, procedure: 201, serial: frame.serial } as const;
      daemon.sendBytes(
        Buffer.concat([
          encodeFrame({ ...header, type: 'reply', status: 'ok', payload: new Uint8Array(0) }),
          encodeFrame({ ...header, type: 'stream', status: 'continue', payload: Buffer.from('login: ') }),
        ]),
      );
    });
    let serial = -1;
    const console = await connection.openStream(
      'domainOpenConsole',
      { domain, device: undefined, flags: 0 },
      { whenSlow },
    );
    const stream = (status: 'ok' | 'error' | 'continue', payload: Uint8Array = new Uint8Array(0)): void =>
      daemon.send({ type: 'stream', procedure: 201, serial, status, payload });
    return { daemon, connection, console, stream };
  };
  const closed = (console: NodeJS.EventEmitter): Promise<Error | undefined> =>
    new Promise((resolve) => {
      let failure: Error | undefined;
      console.once('error', (error: Error) => {
        failure = error;
      });
      console.once('close', () => resolve(failure));
    });

  it('carry data both ways; an empty message is the end, which is confirmed', async () => {
    const { daemon, connection, console, stream } = await withConsole();
    let text = '';
    console.on('data', (data: Buffer) => {
      text += data.toString();
    });
    console.write('root\n');
    stream('continue', Buffer.from('Password: '));
    await settle();
    assert.equal(text, 'login: Password: ');
    assert.deepEqual(
      daemon.received.map((frame) => [frame.type, frame.status, Buffer.from(frame.payload).toString()]),
      [['stream', 'continue', 'root\n']],
    );
    const end = closed(console);
    stream('continue');
    await settle();
    assert.deepEqual(
      [daemon.received[1]?.type, daemon.received[1]?.status, daemon.received[1]?.payload.length],
      ['stream', 'ok', 0],
    );
    stream('ok');
    assert.equal(await end, undefined);
    await connection.close();
  });

  it('cut what is written into pieces', async () => {
    const { daemon, connection, console } = await withConsole();
    await new Promise((resolve) => console.write(Buffer.alloc(150_000, 65), resolve));
    assert.deepEqual(
      daemon.received.map((frame) => frame.payload.length),
      [65_536, 65_536, 18_928],
    );
    const end = closed(console);
    await connection.close();
    await end;
  });

  it('tell libvirtd when they are destroyed, and ignore what still comes', async () => {
    const { daemon, connection, console, stream } = await withConsole();
    const end = closed(console);
    console.destroy();
    assert.equal(await end, undefined);
    assert.deepEqual([daemon.received[0]?.type, daemon.received[0]?.status], ['stream', 'error']);
    stream('continue', Buffer.from('more'));
    stream('ok');
    stream('ok');
    daemon.answers.set('connectGetHostname', (frame) => daemon.reply(frame, 'connectGetHostname', { value: 'hv1' }));
    assert.deepEqual(await connection.call('connectGetHostname', {}), { value: 'hv1' });
    await connection.close();
  });

  it("fail with libvirt's reason, and with the reason of the connection", async () => {
    const one = await withConsole();
    const ended = closed(one.console);
    one.stream('error', errorPayload({ code: 38, message: 'unable to read from console' }));
    const refused = await ended;
    assert.ok(refused instanceof LibvirtError);
    assert.match(refused.message, /unable to read from console/);
    assert.deepEqual(one.daemon.received, [], 'a stream that libvirt has ended is not aborted again');
    await one.connection.close();

    const two = await withConsole();
    const lost = closed(two.console);
    two.daemon.socket.destroy();
    assert.equal(((await lost) as PvcError).code, 'LIBVIRT_LOST');
  });

  it('end when nobody reads them and the connection is shared', async () => {
    const { daemon, connection, console, stream } = await withConsole();
    const ended = closed(console);
    for (let mebibytes = 0; mebibytes < 6; mebibytes++) stream('continue', Buffer.alloc(1_048_576));
    assert.equal(((await ended) as PvcError).code, 'LIBVIRT_STREAM_SLOW');
    assert.equal(daemon.received[0]?.status, 'error');
    await connection.close();
  });

  it('hold a connection of their own while nobody reads, without taking it for hung', async () => {
    const { daemon, connection, console, stream } = await withConsole('hold');
    for (let mebibytes = 0; mebibytes < 6; mebibytes++) stream('continue', Buffer.alloc(1_048_576));
    await settle();
    assert.equal(daemon.socket.isPaused(), true);
    await daemon.clock.advance(60_000);
    let length = 0;
    console.on('data', (data: Buffer) => {
      length += data.length;
    });
    await settle();
    await settle();
    assert.equal(length, 6 * 1_048_576 + 'login: '.length);
    assert.equal(daemon.socket.isPaused(), false);
    const end = closed(console);
    await connection.close();
    await end;
  });

  it('are given back when the caller has stopped waiting for them', async () => {
    const daemon = new FakeDaemon();
    const connection = await open(daemon);
    const opening = outcome(
      connection.openStream('domainOpenConsole', { domain, device: undefined, flags: 0 }, { timeoutMs: 1_000 }),
    );
    await daemon.clock.advance(1_000);
    assert.equal(opening.error?.code, 'LIBVIRT_OUTCOME_UNKNOWN');
    const call = daemon.received[0];
    assert.ok(call);
    daemon.reply(call, 'domainOpenConsole', {});
    await settle();
    assert.deepEqual(
      [daemon.received[1]?.type, daemon.received[1]?.status, daemon.received[1]?.serial],
      ['stream', 'error', call.serial],
    );
    await connection.close();
  });
});
