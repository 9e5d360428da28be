import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aGuest, aNode, aWorld } from '../../test/fixtures/placement-world.ts';
import { endsTooOften, givenUp, startedAnew } from './give-up-plan.ts';
import type { VmDoc } from './guest-control.ts';

const ends = { count: 6, lastMs: 0, agoMs: 0, reason: 'crashed' };
const hv1 = { node: 'hv1', ends: 6, reason: 'crashed' };

const nodes = (room: readonly number[] = [1000, 1000, 1000]) =>
  room.map((roomMiB, index) => aNode(`hv${index + 1}`, roomMiB));

const crasher = (more: Partial<VmDoc['spec']> = {}): VmDoc => aGuest('web', 'hv1', more);

describe('a guest that its node gives up', () => {
  it('is started again as often as it says, and without end where it says so', () => {
    const restart = { tries: 2, then: 'move' as const };
    assert.deepEqual(
      [0, 1, 2, 3].map((count) => endsTooOften({ restart }, { count })),
      [false, false, false, true],
    );
    assert.equal(endsTooOften({ restart: { tries: 0, then: 'fail' } }, { count: 1 }), true);
    assert.equal(endsTooOften({ restart: { tries: 0, then: 'again' } }, { count: 99 }), false);
  });

  it('goes on on the best node that has not had it, and keeps its home', () => {
    const web = crasher();
    const spec = givenUp(web, ends, aWorld(nodes([1000, 500, 900]), [web]));
    assert.deepEqual([spec.node, spec.home, spec.run, spec.crashes], ['hv3', 'hv1', 'running', { on: [hv1] }]);
  });

  it('never returns to one that has given it up, and has failed when all have', () => {
    const before = { node: 'hv3', ends: 2, reason: 'failed' };
    const web = crasher({ home: 'hv3', crashes: { on: [before] } });
    const second = givenUp(web, ends, aWorld(nodes(), [web]));
    assert.deepEqual([second.node, second.home, second.crashes], ['hv2', 'hv3', { on: [before, hv1] }]);
    const last = aGuest('web', 'hv2', { home: 'hv3', crashes: { on: [before, hv1] } });
    const failed = givenUp(last, { ...ends, count: 1 }, aWorld(nodes(), [last]));
    assert.equal(failed.node, 'hv2');
    assert.equal(
      failed.crashes?.failed,
      'it ended 2 times on hv3 (failed), it ended 6 times on hv1 (crashed), it ended once on hv2 (crashed); no other node is left',
    );
  });

  it('has failed where no other has room for it or is ready, and each is named', () => {
    const web = crasher();
    const world = aWorld([aNode('hv1', 1000), aNode('hv2', 50), aNode('hv3', 1000, 'flush')], [web]);
    const { node, crashes } = givenUp(web, ends, world);
    assert.equal(node, 'hv1');
    assert.match(
      crashes?.failed ?? '',
      /^it ended 6 times on hv1 \(crashed\); hv2: .*memory.*; hv3: it takes no guests/,
    );
  });

  it('does not take along what a strict rule keeps with it', () => {
    const [web, mate] = [crasher(), aGuest('mate', 'hv1')];
    const rule = { name: 'shop', kind: 'together' as const, strict: true, guests: ['web', 'mate'] };
    const { node, crashes } = givenUp(web, ends, aWorld(nodes(), [web, mate], [rule]));
    assert.equal(node, 'hv1');
    assert.match(crashes?.failed ?? '', /hv2: the rule shop keeps web together with mate/);
  });

  it('has failed at once where it says so', () => {
    const web = crasher({ restart: { tries: 5, then: 'fail' } });
    const { node, crashes } = givenUp(web, ends, aWorld(nodes(), [web]));
    assert.deepEqual([node, crashes], ['hv1', { on: [hv1], failed: 'it ended 6 times on hv1 (crashed)' }]);
  });

  it('is started by somebody as if nothing had been', () => {
    const spec = startedAnew(crasher({ run: 'stopped', crashes: { on: [hv1], failed: 'it ended' } }).spec);
    assert.equal(spec.run, 'running');
    assert.equal('crashes' in spec, false);
  });
});
