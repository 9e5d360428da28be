import assert from 'node:assert/strict';
import { describe, it, snapshot } from 'node:test';
import { commandSpecs } from './command-spec.ts';
import { commandTree } from './command-tree.ts';
import { coreCommands } from './core-commands.ts';
import { referencePage } from './reference.ts';
import { runFake } from './testing/run-fake.ts';
import { sampleRegistry } from './testing/sample-registry.ts';

// Rewritten with --test-update-snapshots; read the difference before you commit it.
snapshot.setDefaultSnapshotSerializers([(text: unknown) => String(text)]);

describe('help', () => {
  for (const line of [
    '--help',
    'vm --help',
    'vm create --help',
    'vm start -h',
    'vm undefine --help',
    'vm log --help',
    'help --all',
    'help task wait',
    'connection add --help',
  ]) {
    it(`of "${line}"`, async (test) => {
      const { out, err, code } = await runFake(line);
      assert.equal(code, 0);
      assert.equal(err, '');
      for (const row of out.split('\n')) assert.ok(row.length <= 80, `80 columns: ${row}`);
      test.assert.snapshot(out);
    });
  }

  it('is the same in every way that it can be asked for', async () => {
    const { out } = await runFake('vm start --help');
    assert.equal((await runFake('help vm start')).out, out);
    assert.equal((await runFake('vm start web1 -h')).out, out);
    assert.equal((await runFake('vm -h start')).out, (await runFake('vm --help')).out);
  });

  it('is an error where a command is missing', async () => {
    for (const line of ['', 'vm', 'vm nic', '-f json']) {
      const { out, err, code } = await runFake(line);
      assert.equal(code, 2, line);
      assert.equal(out, '');
      assert.match(err, /Usage\n {2}pvc/);
    }
  });

  it('of what does not exist is an error', async () => {
    const { err, code } = await runFake('help vm fly');
    assert.equal(code, 2);
    assert.match(err, /There is no command "vm fly"\.\nhint: See `pvc vm --help`/);
  });

  it('is wider on a wide terminal, in colours, and follows --no-colour', async () => {
    const { out } = await runFake('vm create --help', { columns: 100 });
    assert.match(out, /\u001b\[1mOptions\u001b\[0m/);
    assert.match(out, /Longest pause of a live migration \(default 300 ms\)\n/);
    assert.doesNotMatch((await runFake('vm create --help --no-colour', { columns: 100 })).out, /\u001b/);
    assert.match((await runFake('--no-colour vm create --help', { columns: 100 })).out, /^pvc vm create:/);
  });

  it('has the version', async () => {
    assert.equal((await runFake('--version')).out, 'pvc 1.2.3\n');
    assert.equal((await runFake('--no-colour --version')).out, 'pvc 1.2.3\n');
  });
});

describe('reference', () => {
  it('tells of every command, the same each time', (test) => {
    const page = (): string => referencePage(commandTree(commandSpecs(sampleRegistry(), coreCommands)).root);
    assert.equal(page(), page());
    for (const { operation } of sampleRegistry().all())
      if (operation.cli !== undefined) assert.ok(page().includes(`### pvc ${operation.cli.command}\n`), operation.name);
    assert.doesNotMatch(page(), /__complete/);
    test.assert.snapshot(page());
  });
});
