import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundMs, type Sessions, type Standing, standing } from './self-fence-plan.ts';

const three = ['hv1', 'hv2', 'hv3'];
const both = new Map([
  ['hv1', 'a'],
  ['hv2', 'b'],
]);

const look = (
  before: Standing | undefined,
  coordinators: string[],
  sessions: Sessions,
  nowMs: number,
  statusVersion = 7,
) => standing(before, { coordinators, sessions, statusVersion }, nowMs);

describe('the watchdog of a dead node', () => {
  it('is waited for three timeouts and 23 s', () => assert.equal(boundMs(10), 53_000));

  it('counts from the first look at which a quorum stands without the node', () => {
    const first = look(undefined, three, both, 1_000);
    assert.equal(first?.sinceMs, 1_000);
    assert.equal(look(first, three, both, 9_000)?.sinceMs, 1_000);
  });

  it('does not count without a quorum', () => {
    assert.equal(look(undefined, three, new Map([['hv1', 'a']]), 1_000), undefined);
    assert.equal(look(look(undefined, three, both, 1_000), three, new Map([['hv1', 'a']]), 2_000), undefined);
  });

  it('counts anew when a coordinator of the quorum has another session: it may have said that it reaches nothing', () => {
    const first = look(undefined, three, both, 1_000);
    const later = look(first, three, new Map([...both, ['hv2', 'c']]), 9_000);
    assert.equal(later?.sinceMs, 9_000);
  });

  it('goes on while enough others have lasted, and does not count those that came back among them', () => {
    const five = ['hv1', 'hv2', 'hv3', 'hv4', 'hv5'];
    const four = new Map(['hv1', 'hv2', 'hv3', 'hv4'].map((name) => [name, 'a']));
    const first = look(undefined, five, four, 1_000);
    const second = look(first, five, new Map([...four, ['hv4', 'b']]), 2_000);
    assert.equal(second?.sinceMs, 1_000);
    const third: Standing | undefined = look(second, five, new Map([...four, ['hv4', 'b'], ['hv3', 'b']]), 3_000);
    assert.equal(third?.sinceMs, 3_000);
  });

  it('counts anew when the node was back in between, however shortly', () => {
    const first = look(undefined, three, both, 1_000);
    assert.equal(look(first, three, both, 2_000, 8)?.sinceMs, 2_000);
  });

  it('counts anew when other nodes are coordinators', () => {
    const first = look(undefined, three, both, 1_000);
    assert.equal(look(first, ['hv1', 'hv2', 'hv4'], both, 2_000)?.sinceMs, 2_000);
  });
});
