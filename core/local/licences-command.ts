/** `pvc licences`: what this program is made of and under which terms. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';

export const licencesCommand = defineLocalCommand({
  command: 'licences',
  aliases: ['licenses'],
  summary: 'Print the licences of the libraries inside this program',
  input: z.strictObject({}),
  async run({ terminal }) {
    const { readAssetText } = await import('../host/assets.ts');
    terminal.write(readAssetText('THIRD-PARTY.txt'));
    return 0;
  },
});
