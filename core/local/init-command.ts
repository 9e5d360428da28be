/** `pvc cluster init`: makes a cluster of one node. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import { printPlan } from '../cli/print-plan.ts';
import { objectName } from '../model/names.ts';
import type { InitPart } from '../plugin/init-part.ts';
import type { Program } from '../program.ts';

export const initCommand = (program: () => Promise<Program>, parts: readonly InitPart[]) =>
  defineLocalCommand({
    command: 'cluster init',
    summary: 'Make a new cluster, with this node as its first',
    description:
      'Writes the cluster’s state, its certificate authority, this node’s certificate and a first administrator’s token, which is shown once. Start the daemon afterwards.',
    input: z.strictObject({
      name: objectName.default('pvc').describe('name of the cluster'),
      store: z
        .enum(['sqlite', 'zookeeper'])
        .default('sqlite')
        .describe('where its state is: embedded in this node, or in ZooKeeper, for several nodes'),
      clusterNetwork: z
        .union([z.cidrv4(), z.cidrv6()], 'a network is written like 10.0.0.0/24')
        .optional()
        .describe('network between the servers, as 10.0.0.0/24'),
      address: z.union([z.ipv4(), z.ipv6()]).optional().describe('this node’s own address in it, where it has several'),
      floating: z.union([z.ipv4(), z.ipv6()]).optional().describe('address in it that always belongs to the primary'),
      coordinators: z
        .int()
        .min(1)
        .max(7)
        .default(1)
        .describe('how many coordinators there will be: prints a join token for each of the others'),
      ...Object.fromEntries(parts.map(({ field, schema }) => [field, schema])),
      plan: z.boolean().default(false).describe('show what would be written and done, and change nothing'),
    }),
    options: {
      store: { complete: ['sqlite', 'zookeeper'] },
      clusterNetwork: { value: 'CIDR' },
      address: { value: 'ADDRESS' },
      floating: { value: 'ADDRESS' },
      coordinators: { value: 'COUNT' },
      ...Object.fromEntries(parts.map(({ field, option }) => [field, option ?? {}])),
    },
    examples: [
      'pvc cluster init --name lab',
      'pvc cluster init --name prod --store zookeeper --cluster-network 10.0.0.0/24 --floating 10.0.0.10 --coordinators 3 --storage-network 10.0.1.0/24',
    ],
    async run(context) {
      const { initCluster, planInit } = await import('./init.ts');
      const { createLinuxHost } = await import('../host/linux.ts');
      const host = createLinuxHost({ level: 'warn', destination: 'stderr', pretty: true });
      const { plan, ...input } = context.input;
      const given: Readonly<Record<string, unknown>> = context.input;
      const request = {
        ...input,
        parts: parts.flatMap((part) => {
          const value = given[part.field];
          return value === undefined || value === null ? [] : [{ part, value }];
        }),
      };
      if (plan) {
        await printPlan(await planInit(host, await program(), request), context);
        return 0;
      }
      const made = await initCluster(host, await program(), request);
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
          ...(made.actions.length === 0
            ? []
            : ['Once the daemon runs, it will', ...made.actions.map((one) => `  ${one}`), '']),
          'Next:',
          '  systemctl enable --now pvcd      start the daemon (or: pvc daemon)',
          '  pvc cluster status               see that it runs',
          ...(made.actions.length === 0 ? [] : ['  pvc fault list                   see what keeps it from that']),
          ...made.joinTokens.map(
            (token, index) =>
              `  pvc node join ${token}\n      on coordinator ${index + 2}, within a day, once this one runs`,
          ),
          `  pvc connection add ${made.cluster} https://${made.node}:${made.port}   use it from another machine`,
          '',
        ].join('\n'),
      );
      return 0;
    },
  });
