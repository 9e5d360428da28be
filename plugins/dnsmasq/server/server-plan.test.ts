import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DnsmasqFiles } from './dnsmasq.ts';
import { planServer, type ServerView } from './server-plan.ts';

const files: DnsmasqFiles = { conf: 'conf', reread: 'reservations', script: 'script' };
const rereads = 'reservations';
const running: ServerView = { duty: 'ours', wanted: files, written: files, loaded: files, serving: true, rereads };
const nothing: ServerView = {
  duty: 'ours',
  wanted: undefined,
  written: undefined,
  loaded: undefined,
  serving: false,
  rereads,
};
const steps = (view: Partial<ServerView>) => planServer({ ...running, ...view }).steps.map((step) => step.do);

describe('dnsmasq of a network', () => {
  it('is left alone when it is right', () => assert.deepEqual(planServer(running), { steps: [] }));

  it('is started on the primary', () =>
    assert.deepEqual(steps({ written: undefined, loaded: undefined, serving: false }), ['files', 'serve']));

  it('that an earlier life of the daemon has left goes on', () =>
    assert.deepEqual(steps({ serving: false }), ['serve']));

  it('starts again for settings, and only reads reservations', () => {
    assert.deepEqual(steps({ wanted: { ...files, conf: 'new' } }), ['files', 'restart']);
    assert.deepEqual(steps({ wanted: { ...files, reread: 'new' } }), ['files', 'reload']);
    assert.deepEqual(steps({ wanted: { ...files, script: 'new' } }), ['files']);
    // A daemon that was killed between the two steps.
    assert.deepEqual(steps({ loaded: { ...files, conf: 'old' } }), ['restart']);
    assert.deepEqual(steps({ loaded: { ...files, reread: 'old' } }), ['reload']);
  });

  it('starts again to forget whom it is told of no more, when it holds leases', () => {
    const three = { ...files, reread: 'a\nb\nc\n' };
    for (const [reread, step] of [
      ['a\nb\nc\nd\n', 'reload'],
      ['a\nc\n', 'restart'],
      ['a\nB\nc\n', 'restart'],
    ] as const) {
      const view = { written: three, loaded: three, wanted: { ...files, reread } };
      assert.deepEqual(steps({ ...view, holdsLeases: true }), ['files', step], reread);
      assert.deepEqual(steps(view), ['files', 'reload']);
    }
  });

  it('ends when there is no DHCP any more, or another node is primary', () => {
    assert.deepEqual(steps({ wanted: undefined }), ['end']);
    assert.deepEqual(steps({ duty: 'others', wanted: undefined }), ['end']);
    assert.deepEqual(steps({ duty: 'others', wanted: undefined, serving: false }), ['end']);
    assert.deepEqual(planServer({ ...nothing, duty: 'others' }).steps, []);
    assert.deepEqual(planServer(nothing).steps, []);
  });

  it('is left as it is while nobody knows who is primary, and looked at again', () => {
    assert.deepEqual(planServer({ ...running, duty: 'open', wanted: undefined }), { steps: [], againInMs: 1_000 });
    assert.deepEqual(planServer({ ...nothing, duty: 'open' }), { steps: [] });
  });
});
