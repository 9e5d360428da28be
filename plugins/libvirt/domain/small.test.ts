import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { names, PvcError } from '../../../core/plugin/api.ts';
import { fromXml } from './define.ts';
import { fixtureText, testGuests } from './fixtures/load.ts';
import { assignMacs, chooseMac } from './mac.ts';
import { specProblems } from './numa.ts';
import { textDiff } from './text-diff.ts';
import { child, descend, parseXml } from './xml.ts';

describe('chooseMac', () => {
  it('makes a unicast, locally administered address', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 3 }), (bytes) => {
        const mac = chooseMac({ randomBytes: () => bytes, taken: () => false });
        assert.equal(names.macAddress.parse(mac), mac);
        assert.equal(Number.parseInt(mac.slice(0, 2), 16) & 3, 2);
      }),
    );
  });
  it('passes over what is taken and gives up in the end', () => {
    let at = 0;
    const randomBytes = (): Uint8Array => Uint8Array.of(0, 0, (at += 1));
    assert.equal(chooseMac({ randomBytes, taken: (mac) => mac < '52:54:00:00:00:04' }), '52:54:00:00:00:04');
    at = 0;
    assert.throws(
      () => chooseMac({ randomBytes, taken: () => true, tries: 5 }),
      (error) => error instanceof PvcError && error.code === 'VM_MAC_EXHAUSTED',
    );
    assert.equal(at, 5);
  });
});

describe('assignMacs', () => {
  it('gives one to every card, never the same twice, those in the definition included', () => {
    const { fields } = fromXml(fixtureText('hostdev'));
    const given = assignMacs(
      { ...fields, nics: [...fields.nics, { mac: undefined, source: { type: 'user' }, model: 'virtio', extra: '' }] },
      {
        randomBytes: (() => {
          let call = 0;
          return () => Uint8Array.of(0x22, 0, 0x0b + Math.floor(call++ / 2));
        })(),
        taken: (mac) => mac === '52:54:00:22:00:0c',
      },
    );
    assert.deepEqual(
      given.nics.map(({ mac }) => mac),
      ['52:54:00:22:00:0b', '52:54:00:22:00:0d'],
    );
    const direct = child(parseXml(given.definition), 'devices')?.children.find(
      (node) => 'name' in node && node.attributes['type'] === 'direct',
    );
    assert.equal(descend(direct as never, 'mac')?.attributes['address'], '52:54:00:22:00:0e');
    assert.deepEqual(assignMacs(given, { randomBytes: () => assert.fail('all have one'), taken: () => false }), given);
  });
});

describe('specProblems', () => {
  it('lets memory and vCPUs change where nothing contradicts', () => {
    for (const { spec } of testGuests()) assert.deepEqual(specProblems(spec), []);
  });
  it('finds what contradicts', () => {
    const numa = testGuests().find(({ name }) => name === 'numa-hugepages')?.spec;
    assert.ok(numa);
    assert.match(specProblems({ ...numa, memoryMiB: 4096 })[0] ?? '', /3072 MiB, but the memory is 4096 MiB/);
    assert.equal(specProblems({ ...numa, vcpus: 2 }).length, 2);
  });
});

describe('textDiff', () => {
  it('shows changed lines with their surroundings', () => {
    assert.equal(textDiff('a\nb\nc\n', 'a\nx\nc'), '--- before\n+++ after\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n');
    assert.equal(textDiff('a', 'a\n'), '');
    assert.match(
      textDiff('', 'a', { oldName: 'none', newName: 'web1', context: 0 }),
      /^--- none\n\+\+\+ web1\n@@ -0,0 \+1,1 @@\n\+a\n$/,
    );
  });
});
