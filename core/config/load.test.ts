import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { PvcError } from '../error/error.ts';
import { parseConfig } from './load.ts';

const problemsOf = (text: string): readonly string[] => {
  try {
    parseConfig(text, '/etc/pvc/pvc.yaml', [
      { plugin: 'libvirt', schema: z.strictObject({ socket: z.string().default('/run/x') }) },
    ]);
  } catch (error) {
    assert.ok(error instanceof PvcError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.details;
  }
  return [];
};

describe('configuration', () => {
  it('takes an empty file and fills in every default', () => {
    const loaded = parseConfig('', '/etc/pvc/pvc.yaml', [
      { plugin: 'libvirt', schema: z.strictObject({ socket: z.string().default('/run/x') }) },
    ]);
    assert.equal(loaded.config.api.port, 7370);
    assert.equal(loaded.config.store.backend, 'auto');
    assert.deepEqual(loaded.section('libvirt'), { socket: '/run/x' });
  });

  it('names line and column of every problem at once', () => {
    const problems = problemsOf(
      'node:\n  name: Bad_Name\napi:\n  port: 99999\n  colour: red\nplugins:\n  libvirt:\n    sokket: /x\n  nobody: {}\n',
    );
    assert.deepEqual(
      problems.map((line) => line.split(' ')[0]),
      ['2:3', '4:3', '5:3', '8:5', '9:3'],
    );
    assert.match(problems[2] ?? '', /api\.colour: no such setting/);
    assert.match(problems[4] ?? '', /plugins\.nobody: no plugin of that name/);
  });

  it('names the place of broken YAML', () => {
    assert.match(problemsOf('node:\n  name: [hv1\n')[0] ?? '', /^\d+:\d+ /);
    assert.match(problemsOf('node: {}\nnode: {}\n')[0] ?? '', /^2:1 /);
  });

  it('refuses a file that is not a mapping', () => {
    assert.match(problemsOf('- a\n- b\n')[0] ?? '', /\(file\)/);
  });
});
