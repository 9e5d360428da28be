import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { withCode } from '../../test/fixtures/expect.ts';
import { seededRandom } from './seeded-random.ts';
import { createVirtualHost } from './virtual-host.ts';

describe('virtual host', () => {
  it('answers commands by script and remembers them', async () => {
    const { processes, clock } = createVirtualHost();
    processes.on(['ip'], { stdout: '[]' });
    processes.on(['ip', 'link', /^vx/], (call) => ({ code: 2, stderr: call.argv.join(' ') }));
    processes.on((argv) => argv[0] === 'hangs', { tookMs: Number.POSITIVE_INFINITY });
    processes.on(['slow'], { tookMs: 500, stdout: 'late' });
    const timeoutMs = 1000;
    assert.deepEqual(await processes.exec(['ip', 'addr'], { timeoutMs }), {
      code: 0,
      signal: null,
      stdout: '[]',
      stderr: '',
    });
    assert.equal((await processes.exec(['ip', 'link', 'vx1'], { timeoutMs })).stderr, 'ip link vx1');
    await assert.rejects(processes.exec(['virsh'], { timeoutMs }), withCode('EXEC_NOT_FOUND'));
    const hangs = assert.rejects(processes.exec(['hangs'], { timeoutMs }), withCode('EXEC_TIMEOUT'));
    const slow = processes.exec(['slow'], { timeoutMs, input: 'secret' });
    await clock.advance(1000);
    await hangs;
    assert.equal((await slow).stdout, 'late');
    assert.deepEqual(
      processes.calls.map((call) => call.argv[0]),
      ['ip', 'ip', 'virsh', 'hangs', 'slow'],
    );
    assert.equal(processes.calls[4]?.options.input, 'secret');
  });

  it('keeps detached processes until they end', async () => {
    const { processes } = createVirtualHost();
    const pid = await processes.detach(['qemu'], { logFile: '/log' });
    const ticks = await processes.startTicks(pid);
    assert.equal(await processes.alive(pid, ticks), true);
    assert.equal(processes.kill(pid, 'SIGTERM'), true);
    assert.deepEqual(processes.signals, [{ pid, signal: 'SIGTERM' }]);
    assert.equal(await processes.alive(pid), false);
    assert.equal(processes.kill(pid, 'SIGTERM'), false);
  });

  it('keeps files as the real one does', async () => {
    const { files } = createVirtualHost();
    await assert.rejects(files.writeAtomic('/etc/pvc/x', 'x'), withCode('FILE_FAILED'));
    await files.makeDirectory('/etc/pvc');
    await files.writeAtomic('/etc/pvc/x', 'ä', 0o640);
    await files.append('/etc/pvc/x', 'b');
    await files.append('/etc/pvc/y', 'c');
    assert.deepEqual(files.snapshot(), { '/etc/pvc/x': 'äb', '/etc/pvc/y': 'c' });
    assert.deepEqual([(await files.stat('/etc/pvc/x'))?.mode, (await files.stat('/etc/pvc/x'))?.size], [0o640, 3]);
    assert.equal(Buffer.from((await files.readSlice('/etc/pvc/x', 2, 10)) ?? []).toString(), 'b');
    assert.deepEqual(await files.list('/etc/pvc'), ['x', 'y']);
    assert.deepEqual(await files.list('/'), ['etc']);
    await files.rename('/etc/pvc', '/etc/new');
    assert.equal(await files.readText('/etc/new/y'), 'c');
    assert.equal(await files.readText('/etc/pvc/y'), undefined);
    await files.remove('/etc');
    assert.deepEqual(files.snapshot(), {});
    assert.equal(await files.list('/etc'), undefined);
  });

  it('breaks files on demand', async () => {
    const { files } = createVirtualHost();
    await files.writeAtomic('/a', 'before');
    files.fault = () => 'disk-full';
    await assert.rejects(files.writeAtomic('/a', 'x'), withCode('DISK_FULL'));
    await assert.rejects(files.append('/a', 'x'), withCode('DISK_FULL'));
    assert.equal(await files.readText('/a'), 'before');
    files.fault = (path, write) => (path === '/a' && !write ? 'denied' : undefined);
    await assert.rejects(files.readText('/a'), withCode('FILE_DENIED'));
  });

  it('connects to what the test listens for', async () => {
    const { net } = createVirtualHost();
    await assert.rejects(net.connect({ path: '/s' }), withCode('CONNECT_FAILED'));
    net.listen('hv1:1', () => new PassThrough());
    assert.ok(await net.connect({ host: 'hv1', port: 1 }));
  });

  it('has facts, a log and chance that depend on nothing outside', async () => {
    const host = createVirtualHost({ seed: 5, facts: { hostname: 'hv9' } });
    assert.equal((await host.machine.facts()).hostname, 'hv9');
    host.log.child('x').debug('said');
    assert.deepEqual(host.logLines, [
      '{"level":"debug","time":"2030-01-01T00:00:00.000Z","component":"x","msg":"said"}',
    ]);
    assert.equal(host.random.uuid(), createVirtualHost({ seed: 5 }).random.uuid());
  });
});

describe('seeded random', () => {
  it('repeats for a seed and differs between seeds', () => {
    const draw = (seed: number): unknown => {
      const random = seededRandom(seed);
      return [random.uuid(), random.fraction(), [...random.bytes(40)], random.fork().uuid()];
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    assert.match(seededRandom(1).uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('spreads fractions evenly enough', () => {
    const random = seededRandom(1);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n += 1) (buckets[Math.floor(random.fraction() * 10)] as number) += 1;
    for (const filled of buckets) assert.ok(filled > 850 && filled < 1150, buckets.join());
  });
});
