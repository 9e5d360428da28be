import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeDocument, encodeDocument } from './document-text.ts';
import { type FenceStatus, fence, freshFence } from './fence-kind.ts';

const proof = { by: 'its watchdog', text: 'nothing has fed it', covers: ['machine'], atMs: 1, bootId: 'a' };

it('a proof by a watchdog can be read by nodes that know of none, and still proves', () => {
  const status: FenceStatus = {
    ...freshFence,
    evidence: [
      { ...proof, kind: 'self-fence' },
      { ...proof, by: 'its BMC', kind: 'power' },
    ],
  };
  const old = encodeDocument(fence, 'status', '0123456789ab', status, 1);
  assert.doesNotMatch(old, /self-fence/);
  assert.deepEqual(decodeDocument<FenceStatus>(fence, 'status', '0123456789ab', old).value.evidence, [
    proof,
    { ...proof, by: 'its BMC', kind: 'power' },
  ]);
  const young = encodeDocument(fence, 'status', '0123456789ab', status, 2);
  assert.deepEqual(decodeDocument<FenceStatus>(fence, 'status', '0123456789ab', young).value, status);
});
