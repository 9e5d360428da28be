import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CephCommand } from '../command/ceph-command.ts';
import { hasBooted } from './block-controller.ts';
import { blockAddress, rangeOf, readBlocklist, unblockAddress } from './blocklist.ts';

/** A Ceph that has this in its map, and notes what it is asked. */
function cephWith(map: object) {
  const asked: string[] = [];
  const ceph = new CephCommand({
    clock: { monotonicMs: () => 0, after: () => () => undefined },
    processes: {
      exec: async (argv: readonly string[]) => {
        asked.push(argv.slice(3).join(' '));
        return { code: 0, signal: null, stdout: argv.includes('dump') ? JSON.stringify(map) : '', stderr: '' };
      },
    },
  } as never);
  return { ceph, asked };
}

// As Ceph 16.2.15 shows it.
const map = {
  epoch: 26,
  blocklist: { '10.10.1.8:0/5': '2026-11-28T02:37:03.643487+0000' },
  range_blocklist: { 'cidr:10.10.1.9:0/32': '2026-11-28T02:37:02.322381+0000' },
};
const untilMs = Date.UTC(2026, 10, 28, 2, 37, 2, 322);

describe('the blocklist of Ceph', () => {
  it('is read', async () => {
    const { epoch, ranges, clients } = await readBlocklist(cephWith(map).ceph);
    assert.deepEqual([epoch, [...ranges], [...clients.keys()]], [26, [['10.10.1.9:0/32', untilMs]], ['10.10.1.8:0/5']]);
  });

  it('is a proof once it was read back', async () => {
    const { ceph, asked } = cephWith(map);
    const proof = await blockAddress(ceph, '10.10.1.9', () => untilMs - 1_000);
    assert.deepEqual(proof, { range: '10.10.1.9:0/32', untilMs, epoch: 26, readMs: untilMs - 1_000 });
    assert.deepEqual(asked, ['osd blocklist range add 10.10.1.9/32 31536000 --format json', 'osd dump --format json']);
  });

  it('is none when it is not there afterwards, or is over', async () => {
    await assert.rejects(
      blockAddress(cephWith(map).ceph, '10.10.1.7', () => 0),
      /not in its blocklist afterwards/,
    );
    await assert.rejects(
      blockAddress(cephWith(map).ceph, '10.10.1.9', () => untilMs),
      { code: 'CEPH_REFUSED' },
    );
  });

  it('is lifted where it is', async () => {
    const there = cephWith(map);
    await unblockAddress(there.ceph, '10.10.1.9');
    assert.equal(there.asked.at(-1), 'osd blocklist range rm 10.10.1.9/32');
    const gone = cephWith({ epoch: 27 });
    await unblockAddress(gone.ceph, '10.10.1.9');
    assert.deepEqual(gone.asked, ['osd dump --format json']);
  });

  it('names ranges as Ceph does', () => {
    assert.equal(rangeOf('10.10.1.9'), '10.10.1.9:0/32');
    assert.equal(rangeOf('fd00::9'), '[fd00::9]:0/128');
  });

  it('lets in again whoever has booted since', () => {
    assert.equal(hasBooted({ bootId: 'a' }, 'b'), true);
    assert.equal(hasBooted({ bootId: 'a' }, 'a'), false);
    assert.equal(hasBooted({ bootId: 'a' }, undefined), false);
    // Of a life that nobody knows, nobody can say that it is over.
    assert.equal(hasBooted({}, 'b'), false);
  });
});
