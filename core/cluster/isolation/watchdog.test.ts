import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost, type VirtualHost } from '../../host/virtual-host.ts';
import { type PeerWord, reachOf } from './finding.ts';
import { Watchdog, type WatchdogSettings } from './watchdog.ts';

const settings: WatchdogSettings = { device: '/dev/watchdog0', timeoutS: 10, proves: true };

/** The node hv1 of three coordinators; what the others say is what the test says. */
async function setUp(
  given: {
    readonly host?: VirtualHost;
    readonly settings?: WatchdogSettings | undefined;
    readonly others?: readonly PeerWord[];
  } = {},
) {
  const host = given.host ?? createVirtualHost();
  const { clock } = host;
  await host.files.makeDirectory('/run/pvc');
  let resets = 0;
  let others = given.others ?? [];
  host.watchdogs.expire = () => {
    resets += 1;
  };
  const watchdog = await Watchdog.of({
    host,
    node: 'hv1',
    directory: '/run/pvc',
    settings: 'settings' in given ? given.settings : settings,
    peers: {
      list: async () => ['hv1', 'hv2', 'hv3'].map((node) => ({ node, address: node })),
      async ask({ node }) {
        const word = others[node === 'hv2' ? 0 : 1] ?? 'silent';
        if (word === 'silent') throw new Error('no answer');
        return word === 'reaches' ? reachOf(node, 'live', 4_000) : reachOf(node, 'lost', 0);
      },
    },
  });
  const stop = new AbortController();
  const session = { epoch: 1, leaseUntilMs: -Infinity };
  const running = watchdog?.run(stop.signal);
  return {
    host,
    clock,
    watchdog,
    session,
    resets: () => resets,
    /** What hv2 and hv3 say from now on; nothing at first. */
    say(...all: PeerWord[]) {
      others = all;
    },
    /** The lease holds so long from now on. */
    lease(ms: number) {
      session.leaseUntilMs = clock.monotonicMs() + ms;
    },
    /** The daemon dies. */
    async kill() {
      stop.abort();
      await running;
      host.watchdogs.closed();
    },
  };
}
describe('the watchdog of a node', () => {
  it('is armed with the first lease of a session that others see, and resets the machine when that is over', async () => {
    const { watchdog, host, clock, session, lease, resets, kill } = await setUp();
    lease(5_000);
    await clock.advance(2_000);
    assert.equal(host.watchdogs.counts, false);
    watchdog?.announced(session, 1);
    await clock.advance(1_000);
    assert.equal(host.watchdogs.counts, true);
    assert.equal(watchdog?.record?.bootId, host.facts.bootId);
    await clock.advance(11_000);
    assert.equal(resets(), 0);
    await clock.advance(1_500);
    assert.equal(resets(), 1);
    await kill();
  });

  it('is not fed by the lease of a session in which others do not see the daemon', async () => {
    const { watchdog, clock, session, lease, resets, kill } = await setUp();
    lease(60_000);
    watchdog?.announced(session, 1);
    await clock.advance(1_000);
    session.epoch = 2;
    await clock.advance(10_500);
    assert.equal(resets(), 1);
    await kill();
  });

  it('is fed while nobody reaches the store, and two seconds after that was last said no more', async () => {
    const { watchdog, clock, session, lease, say, resets, kill } = await setUp({ others: ['does not', 'silent'] });
    lease(1_000);
    watchdog?.announced(session, 1);
    await clock.advance(60_000);
    assert.equal(resets(), 0);
    say('silent', 'silent');
    await clock.advance(12_500);
    assert.equal(resets(), 1);
    await kill();
  });

  it('is not fed by words that leave it open whether others go on', async () => {
    const { watchdog, clock, session, lease, say, resets, kill } = await setUp({ others: ['silent', 'silent'] });
    lease(1_000);
    watchdog?.announced(session, 1);
    await clock.advance(6_000);
    say('does not', 'reaches');
    await clock.advance(6_000);
    assert.equal(resets(), 1);
    await kill();
  });

  for (const [others, expected] of [
    ['does not', 0],
    ['silent', 1],
    ['reaches', 1],
  ] as const)
    it(`counts on when the daemon dies; the next one, without a store, whose others say "${others}": ${expected} resets`, async () => {
      const first = await setUp();
      first.lease(5_000);
      first.watchdog?.announced(first.session, 1);
      await first.clock.advance(1_000);
      await first.kill();
      // Whatever the file says by now.
      const next = await setUp({ host: first.host, settings: undefined, others: [others, others] });
      await next.clock.advance(30_000);
      assert.equal(next.resets(), expected);
      await next.kill();
    });

  it('is not armed in an outage when it did not count before, nor in a later boot', async () => {
    const first = await setUp({ others: ['does not', 'does not'] });
    await first.clock.advance(5_000);
    assert.equal(first.host.watchdogs.counts, false);
    first.lease(5_000);
    first.watchdog?.announced(first.session, 1);
    await first.clock.advance(1_000);
    await first.kill();
    first.host.watchdogs.off();
    first.host.facts = { ...first.host.facts, bootId: '00000000-0000-4000-8000-000000000002' };
    const next = await setUp({ host: first.host, others: ['does not', 'does not'] });
    await next.clock.advance(5_000);
    assert.equal(next.host.watchdogs.counts, false);
    await next.kill();
  });

  it('is disarmed by an orderly stop, and nothing is left of it', async () => {
    const { watchdog, host, clock, session, lease, resets, kill } = await setUp();
    lease(60_000);
    watchdog?.announced(session, 1);
    await clock.advance(1_000);
    await watchdog?.disarm();
    await clock.advance(2_000);
    assert.equal(watchdog?.record, undefined);
    await kill();
    await clock.advance(60_000);
    assert.equal(resets(), 0);
    assert.equal(await host.files.readText('/run/pvc/watchdog.json'), undefined);
  });

  it('that cannot be used is told, and tried again', async () => {
    const { watchdog, host, clock, session, lease, kill } = await setUp();
    const { arm } = host.watchdogs;
    host.watchdogs.arm = () => Promise.reject(new Error('another program has it'));
    lease(60_000);
    watchdog?.announced(session, 1);
    await clock.advance(1_000);
    assert.equal(watchdog?.problem, 'another program has it');
    assert.equal(watchdog?.record, undefined);
    host.watchdogs.arm = arm.bind(host.watchdogs);
    await clock.advance(11_000);
    assert.equal(watchdog?.problem, undefined);
    assert.equal(host.watchdogs.counts, true);
    await kill();
  });
});
