import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hardware } from '../testing/machines.ts';
import { type MachineStatus, machineStatus } from './machine-kind.ts';
import { bootTimeoutMs, lateAtMs, type MachineEvent, mayBoot, mostFailures, next, stateOf } from './machine-state.ts';

const seen: MachineEvent = {
  ...{ type: 'seen', hardware, firmware: 'efi', before: null, objection: null, word: 'a'.repeat(64) },
};
const node = (more: object = {}): MachineEvent => ({
  type: 'node',
  node: { alive: true, runs: true, bootId: 'b1', health: 100, ...more },
});

/** All that happens to a machine, one second after the other. */
function after(attempt: number, events: readonly MachineEvent[], status?: MachineStatus): MachineStatus {
  let now = status;
  for (const [at, event] of events.entries()) now = next({ spec: { attempt }, status: now }, event, 1000 * (at + 1));
  return now as MachineStatus;
}

describe('states of a machine', () => {
  const rows: readonly [
    text: string,
    attempt: number,
    events: readonly MachineEvent[],
    state: string,
    reason: string,
  ][] = [
    ['is discovered when it asks', 0, [seen], 'discovered', ''],
    ['and stays so however often', 0, [seen, seen, seen], 'discovered', ''],
    ['boots when it was accepted', 1, [seen], 'booting', ''],
    ['does not while something speaks against it', 1, [{ ...seen, objection: 'no' }], 'failed', 'no'],
    ['joins', 1, [seen, node({ runs: false })], 'joined', 'its daemon is starting'],
    ['is not ready while it is ill', 1, [seen, node({ health: 20 })], 'joined', 'the health of its node is 20 %'],
    ['is ready', 1, [seen, node({ runs: false }), node()], 'ready', ''],
    ['is not taken for its earlier boot', 1, [{ ...seen, before: 'b1' }, node()], 'booting', ''],
    ['nor for a daemon that is gone', 1, [seen, node({ alive: false })], 'booting', ''],
    ['fails when it says so', 1, [seen, { type: 'failed', reason: 'no\ndisk' }], 'failed', 'no disk'],
    ['does not fail when it is ready', 1, [seen, node(), { type: 'failed', reason: 'x' }], 'ready', ''],
    ['may try again', 1, [seen, { type: 'failed', reason: 'x' }, seen], 'booting', ''],
    [
      'joins anew when its node was removed',
      1,
      [seen, node(), { type: 'node', node: null }],
      'accepted',
      'its node was removed: it joins anew when it boots',
    ],
    ['and then is the same', 1, [seen, node(), { type: 'node', node: null }, seen, node()], 'ready', ''],
  ];
  for (const [text, attempt, events, state, reason] of rows)
    it(text, () => {
      const status = after(attempt, events);
      assert.deepEqual([status.state, status.reason], [state, reason]);
    });

  it('is accepted from the moment on in which somebody says so', () => {
    const status = after(0, [seen]);
    assert.equal(stateOf({ spec: { attempt: 0 }, status }), 'discovered');
    assert.equal(stateOf({ spec: { attempt: 1 }, status }), 'accepted');
    assert.equal(stateOf({ spec: { attempt: 1 }, status: undefined }), 'accepted');
  });

  it('does not boot for ever without arriving, and does again when it is accepted anew', () => {
    const status = after(
      1,
      Array.from({ length: mostFailures + 3 }, () => seen),
    );
    assert.equal(status.failures, mostFailures);
    assert.equal(status.boots.length, mostFailures + 1);
    assert.equal(mayBoot({ spec: { attempt: 1 }, status }), false);
    assert.equal(mayBoot({ spec: { attempt: 2 }, status }), true);
    const again = after(2, [seen], status);
    assert.deepEqual([again.state, again.failures, again.attempt], ['booting', 0, 2]);
  });

  it('keeps what an image saw of its disks when only a boot loader speaks', () => {
    const status = after(0, [
      seen,
      { type: 'reported', memoryMiB: 2048, disks: ['/dev/vda 1 GB'], nics: ['eth0'] },
      seen,
    ]);
    assert.deepEqual(status.hardware?.disks, ['/dev/vda 1 GB']);
  });

  it('is late only while it is under way', () => {
    const held = (status: MachineStatus) => ({ spec: { attempt: 1 }, status });
    assert.equal(lateAtMs(held(after(1, [seen]))), 1000 + bootTimeoutMs);
    assert.equal(lateAtMs(held(after(1, [seen, node()]))), undefined);
    assert.equal(lateAtMs({ spec: { attempt: 2 }, status: after(1, [seen]) }), undefined);
  });

  it('is a valid document after whatever happens', () => {
    const text = fc.string({ unit: 'binary', maxLength: 700 });
    const event: fc.Arbitrary<MachineEvent> = fc.oneof(
      fc.constantFrom<MachineEvent>(seen, { ...seen, objection: 'x' }, node(), node({ runs: false }), {
        type: 'node',
        node: null,
      }),
      text.map((value): MachineEvent => ({ type: 'told', text: value })),
      text.map((value): MachineEvent => ({ type: 'failed', reason: value })),
      fc
        .array(text, { maxLength: 70 })
        .map((all): MachineEvent => ({ type: 'reported', memoryMiB: null, disks: all, nics: all })),
    );
    fc.assert(
      fc.property(fc.nat({ max: 2 }), fc.array(event, { minLength: 1, maxLength: 30 }), (attempt, events) => {
        machineStatus.parse(after(attempt, events));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the beginning and the end of a long log', () => {
    const told = Array.from({ length: 200 }, (_, at): MachineEvent => ({ type: 'told', text: `line ${at}` }));
    const status = machineStatus.parse(after(1, [seen, ...told]));
    const log = status.boots[0]?.log.map(({ text }) => text) ?? [];
    assert.deepEqual([log.length, log[0], log.at(-1)], [128, 'it was given the boot script', 'line 199']);
  });
});
