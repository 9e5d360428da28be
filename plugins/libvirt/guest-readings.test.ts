import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuestReadings } from './guest-readings.ts';

const domain = (memory: number, bridge = 'br0') =>
  `<domain type='kvm'><name>web</name><memory unit='MiB'>${memory}</memory><devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='${bridge}'/></interface></devices></domain>`;
const record = (text: string, notes: string[] = []) => JSON.stringify({ text, notes });

describe('what was read of guests', () => {
  it('is the same again for the same text of the same guest, and new for another', () => {
    const readings = new GuestReadings();
    const first = readings.live('a', domain(512));
    assert.equal(readings.live('a', domain(512)), first);
    assert.notEqual(readings.live('b', domain(512)).xml, first.xml);
    const second = readings.live('a', domain(1024));
    assert.equal(second.view.memoryMiB, 1024);
    assert.equal(readings.live('a', domain(512)).view.memoryMiB, 512);
    const started = readings.started('a', record(domain(512), ['slow']));
    assert.equal(readings.started('a', record(domain(512), ['slow'])), started);
    assert.deepEqual(readings.started('a', record(domain(512))).notes, []);
  });

  it('is compared anew when what runs, what it was started from or what is wanted has changed', () => {
    const readings = new GuestReadings();
    const compare = (started: string | undefined, live: string, wanted: string) =>
      readings.differences(
        'a',
        started === undefined ? undefined : readings.started('a', record(started)).xml,
        readings.live('a', live).xml,
        wanted,
      );
    const none = compare(domain(512), domain(512), domain(512));
    assert.deepEqual(none, { attach: [], detach: [], update: [], restart: [] });
    assert.equal(compare(domain(512), domain(512), domain(512)), none);
    assert.equal(compare(domain(512), domain(512), domain(512, 'br1')).update.length, 1);
    assert.deepEqual(compare(domain(512), domain(512, 'br1'), domain(512, 'br1')).update, []);
    assert.equal(compare(domain(512), domain(512), domain(1024)).restart.length, 1);
    assert.equal(compare(domain(1024), domain(512), domain(1024)).restart.length, 0);
    assert.equal(compare(undefined, domain(512), domain(1024)).restart.length, 1);
  });

  it('is forgotten with the guest', () => {
    const readings = new GuestReadings();
    const first = readings.live('a', domain(512));
    readings.forget('a');
    assert.notEqual(readings.live('a', domain(512)), first);
  });

  it('is no reading when the text is not', () => {
    const readings = new GuestReadings();
    assert.throws(() => readings.live('a', '<domain>'));
    assert.throws(() => readings.started('a', '{'));
    assert.throws(() => readings.started('a', '{'));
  });
});
