import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { volume, volumeRef, volumeSpec } from './volume-kind.ts';

const spec = volumeSpec.parse({ pool: 'vms', name: 'web1', sizeBytes: 1_048_576, createdMs: 0 });

describe('a volume', () => {
  it('has a name for others only while it is what it says', () => {
    const names = (more: object): unknown => volume.unique?.({ ...spec, ...more }, undefined);
    assert.deepEqual(names({}), { name: ['vms/web1'], image: ['vms/web1'] });
    assert.deepEqual(names({ making: true }), { name: [], image: ['vms/web1'] });
    assert.deepEqual(names({ removing: true }), { name: [], image: ['vms/web1'] });
    // Both names are taken until the image has the new one.
    assert.deepEqual(names({ name: 'old', was: 'web1' }), { name: [], image: ['vms/old', 'vms/web1'] });
  });

  it('is held back by nothing unless that is said', () =>
    assert.deepEqual(Object.values(spec.limits), [0, 0, 0, 0, 0, 0]));

  for (const ref of ['', 'vms', 'vms/', '/web1', 'vms/web1@x', 'vms/a/b', 'vms/-a', '-vms/a', 'vms/a b', 'vms/a\n'])
    it(`is not named ${JSON.stringify(ref)}`, () => assert.equal(volumeRef.safeParse(ref).success, false));
});
