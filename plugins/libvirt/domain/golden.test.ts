/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { startXml, testGuests, testNode } from './fixtures/load.ts';

const accept = process.env['PVC_ACCEPT'] === '1';

function compare(file: string, text: string): void {
  const url = new URL(`golden/${file}`, import.meta.url);
  if (accept) writeFileSync(url, text);
  assert.equal(text, readFileSync(url, 'utf8'));
}

describe('domain XML that a node starts', () => {
  for (const guest of testGuests()) {
    it(`${guest.name}, with KVM`, () => compare(`${guest.name}.xml`, startXml(guest, testNode).text));
    if (guest.spec.accelerator !== 'kvm') {
      it(`${guest.name}, notes without KVM`, () => {
        const { notes } = startXml(guest, { ...testNode, kvm: false });
        compare(
          `${guest.name}.notes`,
          [...guest.warnings.map((warning) => `define: ${warning}`), ...notes.map((note) => `start: ${note}`)]
            .join('\n')
            .concat('\n'),
        );
      });
    }
  }
  for (const name of ['windows', 'flags-default', 'virt-manager-live']) {
    it(`${name}, without KVM`, () => {
      const guest = testGuests().find((one) => one.name === name);
      assert.ok(guest);
      compare(`${name}.tcg.xml`, startXml(guest, { ...testNode, kvm: false }).text);
    });
  }
});
