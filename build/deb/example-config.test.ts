import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseConfig } from '../../core/config/load.ts';
import { configSchema } from '../../core/config/schema.ts';
import { inRepository } from '../paths.ts';

const example = readFileSync(inRepository('build/deb/pvc.yaml'), 'utf8');
/** Prose has a space behind the `#`, a setting has none. */
const uncommented = example.replace(/^#(?=\S|  )/gm, '');
const parse = (text: string) => parseConfig(text, '/etc/pvc/pvc.yaml', []).config;

describe('example configuration', () => {
  it('sets nothing as it is', () => assert.deepEqual(parse(example), parse('')));

  it('is valid with every setting switched on, and shows the defaults', () => {
    const shown = parse(uncommented);
    const defaults = parse('');
    assert.deepEqual(shown.directories, defaults.directories);
    assert.deepEqual(shown.plugins, defaults.plugins);
    assert.deepEqual(shown.services, defaults.services);
    assert.deepEqual(shown.log, defaults.log);
    assert.deepEqual({ ...shown.api, socketGroup: undefined }, { ...defaults.api, socketGroup: undefined });
  });

  it('mentions every section', () => {
    for (const section of Object.keys(configSchema.shape)) assert.match(uncommented, new RegExp(`^${section}:`, 'm'));
  });
});
