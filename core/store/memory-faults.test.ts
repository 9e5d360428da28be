import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, mustCommit, put } from '../../test/conformance/store-subject.ts';
import { withCode } from '../../test/fixtures/expect.ts';
import { seededRandom } from '../host/seeded-random.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { MemoryCluster, type MemoryClusterOptions } from './memory.ts';
import type { MemoryStore } from './memory-store.ts';
import type { CommitResult } from './store.ts';

function start(options: Partial<MemoryClusterOptions> = {}) {
  const clock = new VirtualClock();
  const cluster = new MemoryCluster({ clock, ...options });
  const log: string[] = [];
  const open = (name: string): MemoryStore => {
    const store = cluster.open(name);
    store.session.onChange((state) => log.push(`${clock.monotonicMs()} ${name} ${state} ${store.session.epoch}`));
    return store;
  };
  return { clock, cluster, log, open };
}

const keys = (cluster: MemoryCluster): string[] => cluster.dump().map((entry) => entry.key);
const unavailable = withCode('STORE_UNAVAILABLE');

describe('memory cluster with faults', () => {
  it('suspends a session behind a cut, loses it at the end of its lease, removes what is ephemeral', async () => {
    const { clock, cluster, log, open } = start();
    const [a, b] = [open('a'), open('b')];
    await mustCommit(a, [create('/live/a', '1', true), create('/node/a')]);
    await clock.advance(3000); // the last heartbeat was at 2000
    cluster.link('a').cut();
    assert.equal(a.session.leaseUntilMs, 8000);
    await assert.rejects(a.read('/node/a'), unavailable);
    await assert.rejects(a.commit([put('/node/a', '1')]), unavailable);
    await clock.advance(4999);
    assert.deepEqual(keys(cluster), ['/live/a', '/node/a']);
    await clock.advance(1);
    assert.deepEqual(await b.children('/live'), []);
    await clock.advance(2000);
    cluster.link('a').heal();
    assert.deepEqual(log, ['3000 a suspended 1', '8000 a lost 1', '10000 a live 2']);
    await mustCommit(a, [create('/live/a', '2', true)]);
    assert.equal(a.session.leaseUntilMs, 16_000);
    assert.equal(await clock.advanceUntilIdle(0), true, 'no timer is left');
  });

  it('keeps the session over a short cut and tells its watches to look again', async () => {
    const { clock, cluster, log, open } = start();
    const [a, b] = [open('a'), open('b')];
    await mustCommit(a, [create('/live/a', '1', true)]);
    const watch = a.watch(['all'], new AbortController().signal)[Symbol.asyncIterator]();
    await watch.next();
    cluster.link('a').cut();
    await mustCommit(b, [create('/b')]);
    await clock.advance(1000);
    cluster.link('a').heal();
    assert.deepEqual((await watch.next()).value, { resync: true, keys: new Set() });
    await clock.advance(60_000);
    assert.deepEqual(log, ['0 a suspended 1', '1000 a live 1']);
    assert.deepEqual(keys(cluster), ['/b', '/live/a']);
  });

  it('hangs until it notices that packets vanish; such a commit is unknown and not done', async () => {
    const { clock, cluster, log, open } = start();
    const a = open('a');
    await mustCommit(a, [create('/a', '0')]);
    cluster.link('a').cut({ noticeAfterMs: 4000 });
    let result: CommitResult | undefined;
    let read: unknown;
    void a.commit([put('/a', '1')]).then((value) => (result = value));
    void a.read('/a').catch((error: unknown) => (read = error));
    await clock.advance(3999);
    assert.deepEqual([result, read, a.session.state], [undefined, undefined, 'live']);
    await clock.advance(1);
    assert.equal(result?.outcome, 'unknown');
    assert.ok(unavailable(read));
    assert.deepEqual(log, ['4000 a suspended 1']);
    assert.equal(cluster.dump()[0]?.value, '0');
  });

  it('takes no lease back when a link becomes slower, and ends no session before that', async () => {
    const { clock, cluster, open } = start();
    const a = open('a');
    const made = a.commit([create('/live/a', '1', true)]);
    await clock.advance(5_000);
    await made;
    const leaseMs = a.session.leaseUntilMs;
    cluster.link('a').setLatency({ minMs: 2_000, maxMs: 3_000 });
    assert.equal(a.session.leaseUntilMs, leaseMs);
    cluster.link('a').cut({ noticeAfterMs: 100_000 });
    while (keys(cluster).length > 0) await clock.advance(1);
    assert.ok(clock.monotonicMs() >= leaseMs);
  });

  it('never lets others see a session end before its own lease has', async () => {
    for (const latencyMs of [0, 1, 250]) {
      for (const cutAtMs of [0, 1, 1999, 2000, 2600, 5999, 6000]) {
        const { clock, cluster, open } = start();
        cluster.link('a').setLatency({ minMs: latencyMs, maxMs: latencyMs });
        const a = open('a');
        const made = a.commit([create('/live/a', '1', true)]);
        await clock.advance(600);
        await made;
        await clock.advance(cutAtMs);
        cluster.link('a').cut({ noticeAfterMs: 100_000 });
        while (keys(cluster).length > 0) await clock.advance(1);
        assert.ok(a.session.leaseUntilMs <= clock.monotonicMs(), `cut at ${cutAtMs}, latency ${latencyMs}`);
        assert.equal(a.session.state, 'lost');
        assert.ok(clock.monotonicMs() - 600 - cutAtMs <= 6000 + latencyMs);
      }
    }
  });

  it('loses the answer of a commit that was done, and of one that was not', async () => {
    const { cluster, open } = start();
    const a = open('a');
    cluster.link('a').loseNextAnswer(true);
    cluster.link('a').loseNextAnswer(false);
    assert.equal((await a.commit([create('/done')])).outcome, 'unknown');
    assert.equal((await a.commit([create('/not')])).outcome, 'unknown');
    assert.equal((await a.commit([create('/third')])).outcome, 'ok');
    assert.deepEqual(keys(cluster), ['/done', '/third']);
  });

  it('loses answers at a rate, the same ones for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const { cluster, open } = start({ random: seededRandom(seed) });
      cluster.link('a').loseAnswers({ rate: 0.5 });
      const a = open('a');
      const outcomes: string[] = [];
      for (let n = 0; n < 64; n += 1) outcomes.push((await a.commit([create(`/k/${n}`)])).outcome);
      const done = keys(cluster).length;
      const unknown = outcomes.filter((outcome) => outcome === 'unknown').length;
      assert.ok(unknown > 10 && unknown < 54, `${unknown} unknown`);
      assert.ok(done > 64 - unknown && done < 64, 'some of the unknown are done and some are not');
      return `${outcomes.join()} ${done}`;
    };
    assert.equal(await run(7), await run(7));
    assert.notEqual(await run(7), await run(8));
  });

  it('takes the time of the link, in the order of sending', async () => {
    const { clock, cluster, open } = start({ random: seededRandom(3) });
    cluster.link('a').setLatency({ minMs: 1, maxMs: 40 });
    const a = open('a');
    const log: string[] = [];
    for (let n = 0; n < 20; n += 1) void a.commit([create(`/k/${n}`)]).then(() => log.push(`/k/${n}`));
    await clock.advance(1);
    assert.deepEqual(log, []);
    await clock.advance(80);
    assert.deepEqual(
      log,
      Array.from({ length: 20 }, (_, n) => `/k/${n}`),
    );
  });

  it('brings changes late, but never out of sight', async () => {
    const { clock, cluster, open } = start();
    cluster.link('b').setLatency({ minMs: 30, maxMs: 30 });
    const [a, b] = [open('a'), open('b')];
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const { resync, keys: changed } of b.watch(['all'], new AbortController().signal)) {
        seen.push(`${clock.monotonicMs()} ${resync ? 'resync' : [...changed].join()}`);
      }
    };
    void follow();
    await clock.advance(10);
    await mustCommit(a, [create('/a')]);
    await clock.advance(100);
    assert.deepEqual(seen, ['0 resync', '40 /a']);
  });

  it('suspends everyone while it is down and ends no session for it', async () => {
    const { clock, cluster, log, open } = start();
    const [a, b] = [open('a'), open('b')];
    await mustCommit(a, [create('/live/a', '1', true)]);
    cluster.link('b').cut();
    await clock.advance(1000);
    cluster.setDown(true);
    assert.throws(() => cluster.open('c'), unavailable);
    await clock.advance(4000);
    cluster.setDown(false);
    await clock.advance(0);
    assert.deepEqual([a.session.state, a.session.epoch, b.session.state], ['live', 1, 'suspended']);
    assert.deepEqual(keys(cluster), ['/live/a']);
    cluster.setDown(true);
    await clock.advance(20_000);
    assert.deepEqual(keys(cluster), ['/live/a'], 'nobody has seen it end');
    cluster.setDown(false);
    assert.deepEqual(
      log.filter((line) => line.includes(' a ')),
      ['1000 a suspended 1', '5000 a live 1', '5000 a suspended 1', '10000 a lost 1', '25000 a live 2'],
    );
    assert.deepEqual(keys(cluster), [], 'its own lease was over, so it began anew');
  });

  it('replaces the older session of the same name for good', async () => {
    const { clock, cluster, log, open } = start();
    const older = open('a');
    await mustCommit(older, [create('/live/a', '1', true)]);
    const newer = open('a');
    assert.deepEqual(keys(cluster), []);
    await mustCommit(newer, [create('/live/a', '2', true)]);
    await assert.rejects(older.read('/live/a'), unavailable);
    await older.close();
    await clock.advance(60_000);
    assert.deepEqual(log, ['0 a lost 1']);
    assert.deepEqual(keys(cluster), ['/live/a']);
  });

  it('begins a new session when it is told that the old one ended', async () => {
    const { cluster, log, open } = start();
    const a = open('a');
    await mustCommit(a, [create('/live/a', '1', true)]);
    cluster.expire('a');
    assert.deepEqual(log, ['0 a lost 1', '0 a live 2']);
    assert.deepEqual(keys(cluster), []);
  });

  it('does what was asked and loses the answers behind a cut of one way', async () => {
    const { clock, cluster, log, open } = start({ heartbeatMs: 1000 });
    const a = open('a');
    await mustCommit(a, [create('/live/a', '1', true)]);
    await clock.advance(1000);
    cluster.link('a').cut({ noticeAfterMs: 4000, lost: 'answers' });
    let result: CommitResult | undefined;
    void a.commit([create('/done')]).then((value) => (result = value));
    await clock.advance(4000);
    assert.equal(result?.outcome, 'unknown');
    assert.deepEqual(keys(cluster), ['/done', '/live/a']);
    // It was heard of until it noticed, so others see its session for longer than its own lease.
    await clock.advance(2000);
    assert.deepEqual(log, ['5000 a suspended 1', '7000 a lost 1']);
    await clock.advance(3999);
    assert.deepEqual(keys(cluster), ['/done', '/live/a']);
    await clock.advance(1);
    assert.deepEqual(keys(cluster), ['/done']);
  });

  it('hears nothing of what is asked behind a cut of the other way, but tells its changes', async () => {
    const { clock, cluster, open } = start();
    const [a, b] = [open('a'), open('b')];
    const watch = a.watch(['all'], new AbortController().signal)[Symbol.asyncIterator]();
    await watch.next();
    cluster.link('a').cut({ noticeAfterMs: 4000, lost: 'requests' });
    let result: CommitResult | undefined;
    void a.commit([create('/a')]).then((value) => (result = value));
    await mustCommit(b, [create('/b')]);
    assert.deepEqual((await watch.next()).value, { resync: false, keys: new Set(['/b']) });
    await clock.advance(4000);
    assert.equal(result?.outcome, 'unknown');
    assert.deepEqual(keys(cluster), ['/b']);
  });

  it('lets a process that stands still keep its session if it is short, and lose it if not', async () => {
    for (const [stillMs, after] of [
      [3000, []],
      [7000, ['8000 a lost 1', '8000 a live 2']],
    ] as const) {
      const { clock, cluster, log, open } = start({ heartbeatMs: 1000 });
      const a = open('a');
      await mustCommit(a, [create('/live/a', '1', true)]);
      await clock.advance(1000);
      a.freeze();
      const leaseMs = a.session.leaseUntilMs;
      await clock.advance(stillMs);
      assert.deepEqual([a.session.leaseUntilMs, a.session.state, leaseMs], [7000, 'live', 7000]);
      assert.equal(keys(cluster).length, stillMs === 3000 ? 1 : 0);
      a.thaw();
      await clock.advance(0);
      assert.deepEqual(log, after);
      assert.ok(a.session.leaseUntilMs >= clock.monotonicMs() + 5000);
      await clock.advance(60_000);
      assert.deepEqual(log, after);
    }
  });

  it('carries out what a process sent before it was killed, and ends its session by time', async () => {
    const { clock, cluster, log, open } = start({ heartbeatMs: 1000 });
    cluster.link('a').setLatency({ minMs: 10, maxMs: 10 });
    const a = open('a');
    void a.commit([create('/live/a', '1', true)]);
    a.abandon();
    await clock.advance(10);
    assert.deepEqual(keys(cluster), ['/live/a']);
    await clock.advance(5999);
    assert.deepEqual(keys(cluster), ['/live/a']);
    await clock.advance(1);
    assert.deepEqual([keys(cluster), log], [[], []]);
  });

  it('ends the session of a killed process as soon as the next one opens its own', async () => {
    const { cluster, open } = start();
    const a = open('a');
    await mustCommit(a, [create('/live/a', '1', true)]);
    a.abandon();
    open('a');
    assert.deepEqual(keys(cluster), []);
  });

  it('ends the session of a process that was killed while the cluster was down', async () => {
    const { clock, cluster, open } = start();
    const a = open('a');
    await mustCommit(a, [create('/live/a', '1', true)]);
    cluster.setDown(true);
    a.abandon();
    await clock.advance(20_000);
    cluster.setDown(false);
    assert.deepEqual(keys(cluster), ['/live/a']);
    await clock.advance(6000);
    assert.deepEqual(keys(cluster), []);
  });
});
