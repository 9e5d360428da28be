/** `pvc daemon`: runs the node. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import type { Program } from '../program.ts';

export const daemonCommand = (program: () => Promise<Program>) =>
  defineLocalCommand({
    command: 'daemon',
    summary: 'Run the daemon of this node in the foreground',
    description:
      'systemd starts it as `pvcd`. It ends at SIGTERM and SIGINT; guests and the services that it started run on, and the next daemon adopts them.',
    input: z.strictObject({}),
    async run({ terminal }) {
      const { startDaemon } = await import('../daemon/start.ts');
      await startDaemon(await program(), terminal.signal, terminal.host.errorIsTerminal);
      return 0;
    },
  });
