/** `pvc node join`: makes this machine a node. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import { defineErrors } from '../error/error.ts';
import type { Program } from '../program.ts';

const joinCommandError = defineErrors({
  JOIN_TOKEN_ONCE: {
    message: 'One join token is needed, and not two.',
    hint: 'Give it as an argument, or by --token-file.',
    http: 422,
    exit: 'usage',
  },
});

export const joinCommand = (program: () => Promise<Program>) =>
  defineLocalCommand({
    command: 'node join',
    summary: 'Make this machine a node of a cluster',
    description:
      'Takes the token that `pvc node token` printed on a node of that cluster. The machine makes its own key, is certified by the cluster and becomes a member; a coordinator also gets a server of the ZooKeeper ensemble. A join that was cut off goes on when the command is given again with the same token. Start the daemon afterwards.',
    input: z.strictObject({
      token: z.string().max(4096).optional().describe('the join token, all of it'),
      tokenText: z
        .string()
        .trim()
        .max(4096)
        .optional()
        .describe('file with the join token, which others on this machine cannot see then; - is standard input'),
      address: z
        .union([z.ipv4(), z.ipv6()])
        .optional()
        .describe('its own address on the cluster network, where it cannot be found out'),
    }),
    arguments: [{ field: 'token', value: 'TOKEN' }],
    options: { address: { value: 'ADDRESS' }, tokenText: { flag: 'token-file', from: 'file', value: 'FILE' } },
    examples: ['pvc node join pvcjoin_…', 'pvc node join --token-file /run/token --address 10.10.0.14'],
    async run(context) {
      const { token, tokenText, address } = context.input;
      const given = token ?? tokenText;
      if (given === undefined || (token !== undefined && tokenText !== undefined))
        throw joinCommandError('JOIN_TOKEN_ONCE', {});
      const { joinCluster } = await import('./join.ts');
      const { createLinuxHost } = await import('../host/linux.ts');
      const host = createLinuxHost({ level: 'warn', destination: 'stderr', pretty: true });
      const joined = await joinCluster(host, await program(), { token: given, address }, context.terminal.signal);
      if (context.format !== 'pretty') await context.print(joined);
      else
        context.terminal.write(
          [
            `${joined.node} (${joined.address}) is a ${joined.role} of the cluster ${joined.cluster}.`,
            '',
            'Next:',
            '  systemctl enable --now pvcd      start the daemon (or: pvc daemon)',
            '  pvc node list                    see it among the others',
            '',
          ].join('\n'),
        );
      return 0;
    },
  });
