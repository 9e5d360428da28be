import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeDaemon, settle } from '../../../test/libvirt/fake-daemon.ts';
import { type Codec, encode, int, struct, uhyper, type ValueOf } from './codec.ts';
import { openLibvirt } from './connection.ts';
import { type DomainEvent, type DomainEventKind, eventKinds } from './event-kinds.ts';
import { DomainEvents, type MissedEvents } from './events.ts';
import { domain, text, typedParams } from './wire.ts';

const web1 = { name: 'web1', uuid: '7f1f1a1e-0000-4000-8000-000000000001', id: 3 };

const rig = async () => {
  const daemon = new FakeDaemon();
  const registered: number[] = [];
  const deregistered: number[] = [];
  daemon.answers.set('connectDomainEventCallbackRegisterAny', (frame) => {
    registered.push(Buffer.from(frame.payload).readInt32BE(0));
    daemon.reply(frame, 'connectDomainEventCallbackRegisterAny', { callbackId: 100 + registered.length });
  });
  daemon.answers.set('connectDomainEventCallbackDeregisterAny', (frame) => {
    deregistered.push(Buffer.from(frame.payload).readInt32BE(0));
    daemon.reply(frame, 'connectDomainEventCallbackDeregisterAny', {});
  });
  const connection = await openLibvirt(daemon.host, { target: { path: '/s' }, uri: 'qemu:///system' });
  const events = new DomainEvents(connection, daemon.host.log);
  const send = <C extends Codec<unknown>>(procedure: number, layout: C, value: ValueOf<C>): void =>
    daemon.send({ type: 'message', procedure, payload: encode(layout, value) });
  const lifecycle = (event: number, detail: number): void =>
    send(318, struct({ callbackId: int, domain, event: int, detail: int }), {
      callbackId: 1,
      domain: web1,
      event,
      detail,
    });
  return { daemon, connection, events, registered, deregistered, send, lifecycle };
};

describe('domain events', () => {
  it('have names', async () => {
    const { connection, events, lifecycle, send } = await rig();
    const seen: DomainEvent[] = [];
    await events.subscribe(Object.keys(eventKinds) as DomainEventKind[], (event) => seen.push(event));
    lifecycle(5, 0);
    lifecycle(5, 5);
    lifecycle(2, 1);
    lifecycle(8, 0);
    lifecycle(5, 77);
    lifecycle(99, 1);
    const bare = { callbackId: int, domain };
    send(319, struct(bare), { callbackId: 1, domain: web1 });
    send(321, struct({ ...bare, action: int }), { callbackId: 1, domain: web1, action: 3 });
    send(324, struct({ ...bare, path: text, alias: text, action: int, reason: text }), {
      callbackId: 1,
      domain: web1,
      path: '/disk',
      alias: 'virtio-disk0',
      action: 1,
      reason: 'enospc',
    });
    send(331, struct({ ...bare, actual: uhyper }), { callbackId: 1, domain: web1, actual: 65_536n });
    send(333, struct({ ...bare, alias: text }), { callbackId: 1, domain: web1, alias: 'net1' });
    send(348, struct({ ...bare, state: int, reason: int }), { callbackId: 1, domain: web1, state: 1, reason: 2 });
    send(363, struct({ ...bare, params: typedParams(64) }), {
      callbackId: 1,
      domain: web1,
      params: [
        { field: 'operation', value: { type: 'int', value: 5 } },
        { field: 'memory_total', value: { type: 'ullong', value: 1024n } },
      ],
    });
    await settle();
    assert.deepEqual(
      new Set(seen.map((event) => JSON.stringify(event.domain))),
      new Set([JSON.stringify({ uuid: web1.uuid, name: 'web1', id: 3 })]),
    );
    assert.deepEqual(
      seen.map((event) => Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'domain'))),
      [
        { kind: 'lifecycle', event: 'stopped', detail: 'shutdown' },
        { kind: 'lifecycle', event: 'stopped', detail: 'failed' },
        { kind: 'lifecycle', event: 'started', detail: 'migrated' },
        { kind: 'lifecycle', event: 'crashed', detail: 'panicked' },
        { kind: 'lifecycle', event: 'stopped', detail: '77' },
        { kind: 'lifecycle', event: '99', detail: '1' },
        { kind: 'reboot' },
        { kind: 'watchdog', action: 'poweroff' },
        { kind: 'io-error', path: '/disk', alias: 'virtio-disk0', action: 'pause', reason: 'enospc' },
        { kind: 'balloon-change', actualKiB: 65_536 },
        { kind: 'device-removed', alias: 'net1' },
        { kind: 'agent-lifecycle', state: 'connected', reason: 'channel' },
        { kind: 'job-completed', operation: 'migration-out', values: { operation: 5, memory_total: 1024 } },
      ],
    );
    await connection.close();
  });

  it('are registered once for all listeners and given up with the last one', async () => {
    const { connection, events, registered, deregistered, lifecycle } = await rig();
    const counts = [0, 0];
    const one = await events.subscribe(['lifecycle', 'reboot'], () => void (counts[0] = (counts[0] ?? 0) + 1));
    const two = await events.subscribe(['lifecycle'], () => void (counts[1] = (counts[1] ?? 0) + 1));
    assert.deepEqual(registered, [0, 1]);
    lifecycle(2, 0);
    await settle();
    await one();
    assert.deepEqual(deregistered, [102]);
    lifecycle(2, 0);
    await settle();
    await two();
    assert.deepEqual(deregistered, [102, 101]);
    lifecycle(2, 0);
    await settle();
    assert.deepEqual(counts, [1, 2]);
    await connection.close();
  });

  it('survive a listener that throws', async () => {
    const { daemon, connection, events, lifecycle } = await rig();
    let count = 0;
    await events.subscribe(['lifecycle'], () => {
      throw new Error('listener trouble');
    });
    await events.subscribe(['lifecycle'], () => count++);
    lifecycle(2, 0);
    await settle();
    assert.equal(count, 1);
    assert.match(daemon.logged.join('\n'), /listener trouble/);
    await connection.close();
  });

  it('end the connection when they cannot be read', async () => {
    const { daemon, connection, events } = await rig();
    await events.subscribe(['lifecycle'], () => assert.fail('no event'));
    daemon.send({ type: 'message', procedure: 318, payload: Buffer.alloc(6) });
    assert.equal((await connection.closed)?.code, 'LIBVIRT_PROTOCOL');
  });

  it('fail to be subscribed to when libvirtd refuses one kind, and leave nothing registered', async () => {
    const { daemon, connection, events, deregistered } = await rig();
    const accept = daemon.answers.get('connectDomainEventCallbackRegisterAny');
    daemon.answers.set('connectDomainEventCallbackRegisterAny', (frame) => {
      if (Buffer.from(frame.payload).readInt32BE(0) === 24)
        daemon.refuse(frame, { code: 3, message: 'unsupported event ID 24' });
      else accept?.(frame);
    });
    await assert.rejects(
      events.subscribe(['lifecycle', 'block-threshold'], () => undefined),
      /unsupported event ID 24/,
    );
    assert.deepEqual(deregistered, [101]);
    await connection.close();
  });
});

describe('the stream of domain events', () => {
  const collect = (events: AsyncIterable<DomainEvent | MissedEvents>) => {
    const got: (DomainEvent | MissedEvents)[] = [];
    const done = (async () => {
      for await (const event of events) got.push(event);
    })();
    return { got, done };
  };

  it('yields what happens until it is aborted', async () => {
    const { connection, events, lifecycle, deregistered } = await rig();
    const control = new AbortController();
    const { got, done } = collect(events.stream(['lifecycle'], control.signal));
    await settle();
    lifecycle(2, 0);
    lifecycle(3, 0);
    await settle();
    assert.deepEqual(
      got.map((event) => event.kind === 'lifecycle' && event.event),
      ['started', 'suspended'],
    );
    control.abort();
    await done;
    assert.deepEqual(deregistered, [101]);
    await connection.close();
  });

  it('tells how many were missed when nobody kept up', async () => {
    const { connection, events, lifecycle } = await rig();
    const control = new AbortController();
    const stream = events.stream(['lifecycle'], control.signal);
    const first = stream.next();
    await settle();
    lifecycle(2, 0);
    await first;
    for (let count = 0; count < 10_005; count++) lifecycle(2, 0);
    await settle();
    assert.deepEqual(await stream.next(), { value: { kind: 'missed', count: 10_005 }, done: false });
    lifecycle(5, 1);
    const next = await stream.next();
    assert.ok(next.value?.kind === 'lifecycle' && next.value.event === 'stopped');
    control.abort();
    assert.equal((await stream.next()).done, true);
    await connection.close();
  });

  it('throws the reason when the connection is lost, after the events before it', async () => {
    const { daemon, events, lifecycle } = await rig();
    const { got, done } = collect(events.stream(['lifecycle'], new AbortController().signal));
    done.catch(() => undefined);
    await settle();
    lifecycle(2, 0);
    await settle();
    daemon.socket.destroy();
    await assert.rejects(done, { code: 'LIBVIRT_LOST' });
    assert.equal(got.length, 1);
  });

  it('ends when the connection is closed here', async () => {
    const { connection, events } = await rig();
    const { done } = collect(events.stream(['lifecycle'], new AbortController().signal));
    await settle();
    await connection.close();
    await done;
  });
});
