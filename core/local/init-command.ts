/** `pvc cluster init`: makes a cluster of one node. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import { objectName } from '../model/names.ts';
import type { Program } from '../program.ts';

export const initCommand = (program: () => Promise<Program>) =>
  defineLocalCommand({
    command: 'cluster init',
    summary: 'Make a new cluster of this one node, on the embedded store',
    description:
      'Writes the cluster’s state, its certificate authority, this node’s certificate and a first administrator’s token, which is shown once. Start the daemon afterwards.',
    input: z.strictObject({ name: objectName.default('pvc').describe('name of the cluster') }),
    examples: ['pvc cluster init --name lab'],
    async run(context) {
      const { initCluster } = await import('./init.ts');
      const { createLinuxHost } = await import('../host/linux.ts');
      const host = createLinuxHost({ level: 'warn', destination: 'stderr', pretty: true });
      const made = await initCluster(host, await program(), context.input.name);
      if (context.format !== 'pretty') {
        await context.print(made);
        return 0;
      }
      context.terminal.write(
        [
          `The cluster ${made.cluster} is made, with the node ${made.node}.`,
          '',
          `Administrator’s token (shown only now):  ${made.token}`,
          `Fingerprint of the API’s certificate:    ${made.fingerprint}`,
          '',
          'Next:',
          '  systemctl enable --now pvcd      start the daemon (or: pvc daemon)',
          '  pvc cluster status               see that it runs',
          `  pvc connection add ${made.cluster} https://${made.node}:${made.port}   use it from another machine`,
          '',
        ].join('\n'),
      );
      return 0;
    },
  });
