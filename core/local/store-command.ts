/** `pvc store status`: where the cluster's state is and what of it answers, whatever else is broken. @module */
import { z } from 'zod';
import { defineLocalCommand } from '../cli/local-command.ts';
import type { Program } from '../program.ts';
import { fields, page, type RenderContext, section, table } from '../render/format.ts';

const askMs = 2_000;

interface ServerRow {
  readonly id: number;
  readonly node: string;
  readonly address: string;
  readonly role: string;
  readonly latencyMs: number | null;
  readonly connections: number | null;
  readonly znodes: number | null;
  readonly reason: string;
}

interface StoreStatus {
  readonly backend: 'sqlite' | 'zookeeper';
  readonly cluster: string | null;
  readonly quorum: boolean;
  readonly needed: number;
  readonly answering: number;
  readonly servers: readonly ServerRow[];
}

const meaning = (status: StoreStatus): string => {
  if (status.backend === 'sqlite') return 'embedded in this node';
  if (status.quorum) {
    const spare = status.answering - status.needed;
    return spare > 0 ? `works; ${spare} more may fail` : 'works; none more may fail';
  }
  return 'LOST: nothing can be changed. Guests run on; `pvc vm log` and consoles of this node work. Bring coordinators back';
};

function render(status: StoreStatus, context: RenderContext): string {
  return page(
    fields(
      [
        ['Cluster', status.cluster ?? 'none'],
        ['State', status.backend],
        ...(status.backend === 'sqlite'
          ? []
          : ([
              ['Servers', `${status.answering} of ${status.servers.length} serve, ${status.needed} are needed`],
            ] as const)),
        ['That is', meaning(status)],
      ],
      context,
    ),
    status.servers.length === 0
      ? undefined
      : section(
          'Servers',
          (inner) =>
            table(
              ['ID', 'NODE', 'ADDRESS', { title: 'ROLE', state: true }, 'LATENCY', 'SESSIONS', 'ZNODES', 'WHY NOT'],
              status.servers.map((one) => [
                one.id,
                one.node,
                one.address,
                one.role,
                one.latencyMs === null ? null : `${one.latencyMs} ms`,
                one.connections,
                one.znodes,
                one.reason === '' ? null : one.reason,
              ]),
              inner,
            ),
          context,
        ),
  );
}

export const storeCommand = (program: () => Promise<Program>) =>
  defineLocalCommand({
    command: 'store status',
    summary: 'Show where the state of the cluster is, and which of its servers answer',
    description:
      'Asks each ZooKeeper server by itself, so that it works without the daemon and without a quorum. Run it on a node. Its exit code is 7 when the state cannot be changed now.',
    input: z.strictObject({}),
    examples: ['pvc store status'],
    async run(context) {
      const { quorumOf, readMembership } = await import('../cluster/membership.ts');
      const { serverState } = await import('../store/zookeeper/four-letters.ts');
      const { createLinuxHost } = await import('../host/linux.ts');
      const host = createLinuxHost({ level: 'warn', destination: 'stderr', pretty: true });
      const { config } = (await program()).loaded;
      const known = await readMembership(host, config.directories.state);
      const servers = known?.backend === 'zookeeper' ? known.servers : [];
      const rows = await Promise.all(
        servers.map(async (one): Promise<ServerRow> => {
          const found = await serverState(host, { host: one.address, port: one.clientPort }, askMs);
          const serves = found.role === 'leader' || found.role === 'follower';
          return {
            id: one.id,
            node: one.node,
            address: one.address,
            role: found.role,
            latencyMs: serves ? found.latencyMs.average : null,
            connections: serves ? found.connections : null,
            znodes: serves ? found.znodes : null,
            reason: found.reason,
          };
        }),
      );
      const answering = rows.filter((one) => one.role === 'leader' || one.role === 'follower').length;
      const needed = quorumOf(servers.length);
      const status: StoreStatus = {
        backend: known?.backend ?? 'sqlite',
        cluster: known?.cluster ?? null,
        quorum: servers.length === 0 || answering >= needed,
        needed: servers.length === 0 ? 0 : needed,
        answering,
        servers: rows,
      };
      await context.print(status, { render });
      return status.quorum ? 0 : 7;
    },
  });
