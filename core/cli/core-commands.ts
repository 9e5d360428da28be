/** The local commands that belong to the command line itself. @module */
import { z } from 'zod';
import { usageError } from './cli-errors.ts';
import { childOf } from './command-tree.ts';
import { completionCommands } from './completion-commands.ts';
import { connectionCommands } from './connection-commands.ts';
import { allCommandsHelp, helpText } from './help.ts';
import { defineLocalCommand, type LocalCommand } from './local-command.ts';

const help = defineLocalCommand({
  command: 'help',
  summary: 'Show the help of pvc, of a group or of a command',
  input: z.object({
    words: z.array(z.string()).default([]).describe('Words of the command'),
    all: z.boolean().default(false).describe('List every command'),
  }),
  arguments: [{ field: 'words', rest: true, value: 'COMMAND', complete: 'command' }],
  examples: ['pvc help vm', 'pvc help vm start', 'pvc help --all'],
  run: async ({ input, tree, terminal }) => {
    let node = tree;
    for (const [index, word] of input.words.entries()) {
      const next = childOf(node, word);
      if (next === undefined)
        throw usageError(
          `There is no command "${input.words.slice(0, index + 1).join(' ')}".`,
          `See \`${['pvc', ...node.path].join(' ')} --help\`.`,
        );
      node = next;
    }
    const context = {
      width: Number.isFinite(terminal.width) ? terminal.width : 80,
      colour: terminal.colour,
      nowMs: terminal.nowMs,
    };
    terminal.write(input.all ? `${allCommandsHelp(node, context)}\n` : helpText(node, context));
    return 0;
  },
});

export const coreCommands: readonly LocalCommand[] = [help, ...completionCommands, ...connectionCommands];
