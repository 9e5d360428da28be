import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { MemoryCluster } from '../store/memory.ts';
import { type PrimaryDuties, PrimaryRole, type PrimaryWish } from './primary.ts';

function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const log: string[] = [];
  const roles: PrimaryRole[] = [];
  /** A node that tries for the role until `stop`. */
  const node = (name: string, duties: Partial<PrimaryDuties> = {}) => {
    const store = cluster.open(name);
    const role = new PrimaryRole(host, store, name, {
      async take(term, released) {
        log.push(`${name} takes ${term}`);
        await duties.take?.(term, released);
      },
      async leave(how) {
        log.push(`${name} leaves`);
        return (await duties.leave?.(how)) ?? true;
      },
    });
    roles.push(role);
    const stopping = new AbortController();
    const done = role.run(stopping.signal);
    return { role, store, link: cluster.link(name), stop: () => (stopping.abort(), done) };
  };
  const key = (path: string): string | undefined => cluster.dump().find((entry) => entry.key === path)?.value;
  const holders = (): number => roles.filter((role) => role.isPrimary()).length;
  return {
    host,
    clock: host.clock,
    cluster,
    log,
    node,
    holder: () => key('/primary/holder'),
    term: () => key('/primary/term'),
    holders,
  };
}

describe('primary role', () => {
  it('has one holder, the first who asks', async () => {
    const { clock, log, node, holder, term, holders } = setUp();
    const [a, b] = [node('a'), node('b')];
    await clock.advance(10_000);
    assert.deepEqual([a.role.state, b.role.state, holder(), term()], ['primary', 'secondary', 'a', '1']);
    assert.deepEqual(log, ['a takes 1']);
    assert.equal(holders(), 1);
  });

  it('is not held while it is still being taken', async () => {
    const { clock, node } = setUp();
    const { role } = node('a', { take: () => clock.sleep(3000) });
    await clock.advance(2999);
    assert.deepEqual([role.state, role.isPrimary()], ['takeover', false]);
    await clock.advance(1);
    assert.deepEqual([role.state, role.isPrimary()], ['primary', true]);
  });

  it('goes to another after the end of the session, in a new term, never to two at a time', async () => {
    const { clock, log, node, holder, term, holders } = setUp();
    const a = node('a');
    node('b');
    await clock.advance(2000);
    a.link.cut({ noticeAfterMs: 100_000 });
    for (let ms = 0; ms < 12_000; ms += 50) {
      await clock.advance(50);
      assert.ok(holders() <= 1, `two at ${ms}`);
    }
    assert.deepEqual([holder(), term()], ['b', '2']);
    assert.ok(log.indexOf('a leaves') !== -1 && log.indexOf('a leaves') < log.indexOf('b takes 2'), log.join(', '));
    a.link.heal();
    await clock.advance(5000);
    assert.deepEqual([a.role.state, holder()], ['secondary', 'b']);
  });

  it('ends by the lease at each look, before anybody noticed', async () => {
    const { clock, node } = setUp();
    const { role, link, store } = node('a');
    await clock.advance(1000);
    link.cut({ noticeAfterMs: 100_000 });
    const leaseMs = store.session.leaseUntilMs - clock.monotonicMs();
    await clock.advance(leaseMs - 1);
    assert.equal(role.isPrimary(), true);
    await clock.advance(1);
    assert.equal(role.isPrimary(), false);
  });

  it('survives a short loss of the link', async () => {
    const { clock, log, node, term } = setUp();
    const { role, link } = node('a');
    await clock.advance(1000);
    link.cut();
    await clock.advance(2000);
    link.heal();
    await clock.advance(3000);
    assert.deepEqual([role.isPrimary(), term(), log], [true, '1', ['a takes 1']]);
  });

  it('is left with its session and taken again with the next', async () => {
    const { clock, cluster, log, node } = setUp();
    const { role } = node('a');
    await clock.advance(1000);
    cluster.expire('a');
    assert.equal(role.isPrimary(), false);
    await clock.advance(3000);
    assert.equal(role.isPrimary(), true);
    assert.deepEqual(log, ['a takes 1', 'a leaves', 'a takes 2']);
  });

  for (const applied of [true, false]) {
    it(`is taken once, with its duties, when the answer is lost (${applied ? 'done' : 'not done'})`, async () => {
      const { clock, cluster, log, node, holder, holders } = setUp();
      cluster.link('a').loseNextAnswer(applied);
      node('a');
      await clock.advance(200);
      assert.deepEqual([holder(), log, holders()], [applied ? 'a' : undefined, [], 0]);
      await clock.advance(5000);
      assert.deepEqual([holder(), log.length, holders()], ['a', 1, 1]);
    });
  }

  it('is given up for good: duties first, then the key', async () => {
    const { clock, log, node, holder } = setUp();
    let held: string | undefined;
    const a = node('a', {
      leave: async () => {
        held = holder();
        return true;
      },
    });
    node('b');
    await clock.advance(1000);
    await a.role.relinquish();
    assert.deepEqual([held, holder(), a.role.state], ['a', undefined, 'secondary']);
    await clock.advance(5000);
    assert.deepEqual([holder(), log], ['b', ['a takes 1', 'a leaves', 'b takes 2']]);
    await a.stop();
  });

  it('is not taken back by a daemon that stops, even when nobody else wants it', async () => {
    const { clock, log, node, holder } = setUp();
    const a = node('a');
    await clock.advance(1000);
    await a.role.relinquish();
    await a.role.relinquish();
    await clock.advance(10_000);
    assert.deepEqual([holder(), log], [undefined, ['a takes 1', 'a leaves']]);
  });

  it('that cannot be taken is dropped and offered to others', async () => {
    const { clock, log, node, holder } = setUp();
    const a = node('a', {
      take: async () => {
        throw new Error('no address');
      },
    });
    await clock.advance(100);
    assert.deepEqual([a.role.state, holder(), log], ['secondary', undefined, ['a takes 1', 'a leaves']]);
    node('b');
    await clock.advance(3000);
    assert.equal(holder(), 'b');
  });

  it('looks right after it was taken at what was asked meanwhile, not a second later', async () => {
    const { host, clock, cluster, log } = setUp();
    const asked: { wish?: PrimaryWish } = {};
    const role = new PrimaryRole(
      host,
      cluster.open('a'),
      'a',
      {
        async take() {
          await clock.sleep(300);
          log.push('a takes');
        },
        async leave() {
          log.push('a leaves');
          return true;
        },
      },
      { eligible: () => true, wish: async () => asked.wish, alive: async () => true },
    );
    void role.run(new AbortController().signal);
    await clock.advance(200);
    asked.wish = { not: 'a', askedMs: clock.wallMs() };
    role.poke();
    await clock.advance(150);
    assert.deepEqual(log, ['a takes', 'a leaves']);
  });

  it('that cannot be left is tried to be left until it is', async () => {
    const { clock, cluster, log, node } = setUp();
    let fails = 2;
    const { role } = node('a', {
      leave: async () => {
        fails -= 1;
        if (fails >= 0) throw new Error('stuck');
        return true;
      },
    });
    await clock.advance(500);
    cluster.expire('a');
    await clock.advance(1000);
    assert.deepEqual([role.state, role.isPrimary()], ['relinquish', false]);
    await clock.advance(5000);
    assert.equal(role.isPrimary(), true);
    assert.deepEqual(log, ['a takes 1', 'a leaves', 'a leaves', 'a leaves', 'a takes 2']);
  });

  it('that is handed over with a duty that is stuck goes to another, who takes it as if the holder had been lost', async () => {
    for (const stuck of [
      async () => false,
      async () => {
        throw new Error('stuck');
      },
    ]) {
      const { clock, node, holder } = setUp();
      const a = node('a', { leave: stuck });
      await clock.advance(500);
      const taken: boolean[] = [];
      node('b', { take: async (_term, released) => void taken.push(released) });
      await a.role.relinquish();
      await clock.advance(3000);
      assert.deepEqual([holder(), taken, a.role.state], ['b', [false], 'relinquish']);
      await a.stop();
    }
  });
});
