import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { aclDirections, aclId, aclSpec, networkAcl, vniOfAcl } from './acl-kind.ts';

describe('documents of entries', () => {
  const spec = { network: 'office', direction: 'in', order: 10, rule: 'tcp dport 22 accept', description: '' };

  it('are written and read back', () => assert.deepEqual(aclSpec.parse(spec), spec));

  for (const [what, change] of [
    ['a network’s name with a slash', { network: 'a/b' }],
    ['a direction that there is not', { direction: 'both' }],
    ['order 0', { order: 0 }],
    ['order 65536', { order: 65_536 }],
    ['half an order', { order: 1.5 }],
    ['an order that is text', { order: '10' }],
    ['a rule of two lines', { rule: 'accept\ndrop' }],
    ['a description of two lines', { description: 'a\nb' }],
    ['a field that there is not', { name: 'x' }],
  ] as const)
    it(`are refused with ${what}`, () => assert.equal(aclSpec.safeParse({ ...spec, ...change }).success, false));

  it('are known by network, direction and order', () => {
    const entry = fc.record({
      vni: fc.integer({ min: 1, max: 2 ** 24 - 1 }).map(String),
      direction: fc.constantFrom(...aclDirections),
      order: fc.integer({ min: 1, max: 65_535 }),
    });
    fc.assert(
      fc.property(entry, ({ vni, ...place }) => {
        const id = aclId(vni, place);
        assert.ok(networkAcl.id.safeParse(id).success);
        assert.equal(vniOfAcl(id), vni);
      }),
    );
    for (const id of ['', '100', '100-in', '0-in-1', '16777216-in-1', '100-in-0', '100-up-1', '100-in-1-', 'x-in-1'])
      assert.equal(networkAcl.id.safeParse(id).success, false, id);
  });
});
