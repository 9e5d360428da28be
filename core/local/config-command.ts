/** `pvc config check`. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import type { Program } from '../program.ts';

export const configCommands = (program: () => Promise<Program>) => [
  defineLocalCommand({
    command: 'config check',
    summary: 'Check the configuration file and say what is in force',
    description: 'Every problem is named with its line and column. Nothing is changed.',
    input: z.strictObject({}),
    examples: ['pvc config check', 'pvc config check --config /tmp/new.yaml'],
    async run(context) {
      const { loaded, plugins } = await program();
      const { plugins: fixed, ...config } = loaded.config;
      const sections = Object.fromEntries(
        plugins.loaded
          .filter((one) => loaded.section(one.name) !== undefined)
          .map((one) => [one.name, loaded.section(one.name)]),
      );
      const troubles = plugins.troubles.map(
        (trouble) => `plugin ${trouble.plugin} (${trouble.where}): ${trouble.message}`,
      );
      for (const trouble of troubles) context.terminal.warn(`warning: ${trouble}\n`);
      if (context.format === 'pretty') context.terminal.write(`${loaded.path} is valid.\n`);
      else
        await context.print({
          path: loaded.path,
          valid: true,
          inForce: { ...config, plugins: { load: fixed.load, disable: fixed.disable, ...sections } },
          troubles,
        });
      return 0;
    },
  }),
];
