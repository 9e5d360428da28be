import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { withCode } from '../../test/fixtures/expect.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { MemoryCluster } from '../store/memory.ts';
import { PrimaryRole, type PrimaryWish, termKey } from './primary.ts';

function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const log: string[] = [];
  let wish: PrimaryWish | undefined;
  const alive = new Set<string>();
  /** Who has the duties, as an address on a link would show. */
  const holding = new Set<string>();
  const roles = new Map<string, PrimaryRole>();
  const node = (name: string, eligible = true) => {
    const store = cluster.open(name);
    alive.add(name);
    const role = new PrimaryRole(
      host,
      store,
      name,
      {
        async take(term, released) {
          if (!released) await host.clock.sleep(500);
          log.push(`${name} takes ${term}${released ? '' : ' after a loss'}`);
          holding.add(name);
        },
        async leave(how) {
          holding.delete(name);
          log.push(`${name} leaves (${how})`);
          return true;
        },
      },
      { eligible: () => eligible, wish: async () => wish, alive: async (one) => alive.has(one) },
    );
    roles.set(name, role);
    const stopping = new AbortController();
    void role.run(stopping.signal);
    return { role, store, link: cluster.link(name), stop: () => stopping.abort() };
  };
  const ask = (asked: Omit<PrimaryWish, 'askedMs'>): void => {
    wish = { ...asked, askedMs: host.clock.wallMs() };
    for (const role of roles.values()) role.poke();
  };
  const primary = (): string[] => [...roles].filter(([, role]) => role.isPrimary()).map(([name]) => name);
  return { host, clock: host.clock, cluster, log, node, ask, alive, holding, primary };
}

describe('a planned hand-over', () => {
  it('goes to the node that is asked for, which takes the duties at once', async () => {
    const { clock, node, ask, primary, log } = setUp();
    for (const name of ['a', 'b', 'c']) node(name);
    await clock.advance(3_000);
    assert.deepEqual(primary(), ['a']);
    ask({ node: 'c' });
    await clock.advance(1_500);
    assert.deepEqual(primary(), ['c']);
    assert.deepEqual(log, ['a takes 1', 'a leaves (planned)', 'c takes 2']);
  });

  it('goes to any other when a node is to have it no more, and not back to it', async () => {
    const { clock, node, ask, primary } = setUp();
    for (const name of ['a', 'b']) node(name);
    await clock.advance(3_000);
    ask({ not: 'a' });
    await clock.advance(60_000);
    assert.deepEqual(primary(), ['b']);
  });

  it('does not begin for a node that is not there, and does not leave the role empty for one that vanishes', async () => {
    const { clock, node, ask, primary, alive } = setUp();
    const [a, , c] = [node('a'), node('b'), node('c')];
    await clock.advance(3_000);
    alive.delete('c');
    ask({ node: 'c' });
    await clock.advance(5_000);
    assert.deepEqual(primary(), ['a'], 'c is not there');
    // It is there when the role is given up, and gone before it can take it.
    alive.add('c');
    c.link.cut();
    a.role.poke();
    await clock.advance(5_000);
    assert.equal(primary().length, 1);
    assert.notDeepEqual(primary(), ['c']);
  });

  it('is forgotten after half a minute: a wish that was in vain does not come true later', async () => {
    const { clock, node, ask, primary, alive } = setUp();
    node('a');
    await clock.advance(3_000);
    ask({ node: 'b' });
    await clock.advance(40_000);
    node('b');
    alive.add('b');
    await clock.advance(10_000);
    assert.deepEqual(primary(), ['a']);
  });

  it('never goes to a hypervisor', async () => {
    const { clock, node, primary } = setUp();
    const only = node('a');
    node('h', false);
    await clock.advance(3_000);
    await only.role.relinquish();
    only.stop();
    await clock.advance(20_000);
    assert.deepEqual(primary(), []);
  });
});

describe('what is written as primary', () => {
  it('fails as a whole once another term has begun, however late it comes', async () => {
    const { clock, node } = setUp();
    const a = node('a');
    node('b');
    await clock.advance(3_000);
    const late = [...a.role.guard('it'), { op: 'create', key: '/late', value: '1' } as const];
    a.link.cut({ noticeAfterMs: 100_000 });
    await clock.advance(12_000);
    a.link.heal();
    await clock.advance(2_000);
    assert.deepEqual(await a.store.commit(late), { outcome: 'conflict', key: termKey });
    assert.throws(() => a.role.guard('it'), withCode('NOT_PRIMARY'));
    assert.equal(await a.store.read('/late'), undefined);
  });

  it('waits half a second after a holder that was lost, and not after one that gave it up', async () => {
    const { clock, node, log } = setUp();
    const a = node('a');
    const b = node('b');
    await clock.advance(3_000);
    a.link.cut({ noticeAfterMs: 100_000 });
    await clock.advance(12_000);
    assert.ok(log.includes('b takes 2 after a loss'), log.join(', '));
    a.link.heal();
    await clock.advance(2_000);
    await b.role.relinquish();
    await clock.advance(3_000);
    assert.ok(log.includes('a takes 3'), log.join(', '));
  });
});

describe('at any moment', () => {
  it('one node at most is primary, and one at most has the duties, whatever breaks', async () => {
    const step = fc.record({
      what: fc.constantFrom('cut', 'silent', 'heal', 'lose', 'ask', 'away', 'down', 'up', 'wait'),
      who: fc.constantFrom('a', 'b', 'c'),
      ms: fc.integer({ min: 50, max: 4_000 }),
      applied: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { clock, cluster, node, ask, primary, holding } = setUp();
        for (const name of ['a', 'b', 'c']) node(name);
        const pass = async (ms: number): Promise<void> => {
          for (let left = ms; left > 0; left -= 50) {
            await clock.advance(Math.min(50, left));
            assert.ok(primary().length <= 1, `primaries ${primary().join()}`);
            assert.ok(holding.size <= 1, `duties at ${[...holding].join()}`);
          }
        };
        for (const { what, who, ms, applied } of steps) {
          const link = cluster.link(who);
          if (what === 'cut') link.cut();
          else if (what === 'silent') link.cut({ noticeAfterMs: ms });
          else if (what === 'heal') link.heal();
          else if (what === 'lose') link.loseNextAnswer(applied);
          else if (what === 'ask') ask({ node: who });
          else if (what === 'away') ask({ not: who });
          else if (what !== 'wait') cluster.setDown(what === 'down');
          await pass(ms);
        }
        cluster.setDown(false);
        for (const name of ['a', 'b', 'c']) cluster.link(name).heal();
        await pass(20_000);
        assert.equal(primary().length, 1, 'somebody is primary in the end');
        assert.deepEqual([...holding], primary());
      }),
      { numRuns: 60 },
    );
  });
});
