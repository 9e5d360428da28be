import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFake } from '../cli/testing/run-fake.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { VirtualFiles } from '../host/virtual-files.ts';
import { simCommand } from './sim-command.ts';

async function sim(words: string, input = '', description?: string) {
  const files = new VirtualFiles(new VirtualClock());
  if (description !== undefined) await files.writeAtomic('/lab.yaml', description);
  return runFake(`sim ${words}`, { files, input, parts: { commands: async () => [simCommand] } });
}

describe('pvc sim', () => {
  it('prints an example that it takes itself', async () => {
    const { out, code } = await sim('--example');
    assert.equal(code, 0);
    const played = await sim('/lab.yaml', 'power off hv4\nadvance 20s\nquit\ndance', out);
    assert.equal(played.code, 0, played.err);
    assert.match(played.out, /hv4 +loses its power/);
    assert.match(played.out, /the session of hv4 ends/);
  });

  it('plays the example when no file is named', async () => {
    const { out, code } = await sim('', 'status');
    assert.equal(code, 0);
    assert.match(out, /hv4 +on +yes +up +ready/);
  });

  it('tells which line was not understood, and ends', async () => {
    const { err, code } = await sim('', 'advance 1s\ndance\nadvance 1s');
    assert.equal(code, 2);
    assert.match(err, /Line 2: "dance" is not understood/);
  });

  it('tells what is wrong with the file', async () => {
    for (const [text, told] of [
      [undefined, /\/lab\.yaml cannot be read: there is no such file/],
      ['nodes: [', /describes no cluster: line 1/],
      ['nodes: { hv1: { memory: 1 } }', /describes no cluster: line 1: .*memory/],
      ['nodes: { hv1: }\nguests: { web: { node: hv7 } }', /guests\.web\.node: there is no node hv7/],
    ] as const) {
      const { err, code } = await sim('/lab.yaml', '', text);
      assert.equal(code, 2, err);
      assert.match(err.replaceAll(/\s+/g, ' '), told);
    }
  });
});
