import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { VirtualClock } from '../host/virtual-clock.ts';
import { VirtualFiles } from '../host/virtual-files.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import { assemble } from '../program.ts';
import { commandSpecs } from './command-spec.ts';
import { commandTree, visibleLeaves } from './command-tree.ts';
import { parseLine } from './commander-program.ts';
import { coreCommands } from './core-commands.ts';
import { helpText } from './help.ts';
import { referencePage } from './reference.ts';

/** What only shows when a command is used: options that clash, arguments that do not fit their fields. */
describe('every command of core and of the built-in plugins', () => {
  let registry: OperationRegistry;

  before(async () => {
    const clock = new VirtualClock();
    const host = { clock, files: new VirtualFiles(clock) };
    ({ registry } = await assemble({ host, version: '0.0.0', configPath: '/etc/pvc/pvc.yaml', configRequired: false }));
  });

  it('has its own words', () => {
    assert.deepEqual(commandTree(commandSpecs(registry, coreCommands)).problems, []);
  });

  it('can be parsed, helped and documented', () => {
    const { root } = commandTree(commandSpecs(registry, coreCommands));
    const page = referencePage(root);
    for (const leaf of visibleLeaves(root)) {
      assert.match(helpText(leaf, { width: 80, colour: false, nowMs: 0 }), /^Usage\n {2}pvc /m);
      const asked = parseLine(root, [...leaf.path, '--help']);
      assert.ok('help' in asked && asked.help === leaf, leaf.path.join(' '));
      assert.ok(page.includes(`### pvc ${leaf.path.join(' ')}\n`));
    }
  });
});
