/** What a MariaDB server with Galera says of itself. Pure. @module */
import { z } from '../../../core/plugin/api.ts';
import { type Position, position } from './backend-kind.ts';

export interface ServerAnswer {
  /** Whether it is with enough others to take writes, and has all that they have. */
  readonly primary: boolean;
  /** How many members it sees, itself among them. */
  readonly size: number;
  /** Galera's own word: Synced, Joined, Initialized … */
  readonly state: string;
  readonly position: Position | undefined;
  /** Whether PowerDNS's tables are there, whole. */
  readonly tables: boolean;
}

/** Made last, so that tables without it are half of what they are to be. */
export const madeTable = 'pvc_made';
export const databaseName = 'pdns';

/** One row for each variable, and one for the table. */
export const statusQuery = [
  "show global status where variable_name in ('wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_ready',",
  "'wsrep_local_state_comment', 'wsrep_last_committed', 'wsrep_cluster_state_uuid');",
  `select 'tables', count(*) from information_schema.tables where table_schema = '${databaseName}' and table_name = '${madeTable}';`,
].join(' ');

const rows = z.object({
  wsrep_cluster_status: z.string(),
  wsrep_cluster_size: z.coerce.number().int(),
  wsrep_ready: z.enum(['ON', 'OFF']),
  wsrep_local_state_comment: z.string(),
  // Without a history it is the largest number of 64 bits.
  wsrep_last_committed: z.coerce.number(),
  wsrep_cluster_state_uuid: z.string(),
  tables: z.coerce.number().int(),
});

/** Reads the answer to `statusQuery`, a name and a value in each line. @throws ZodError when it is none */
export function readAnswer(text: string): ServerAnswer {
  const said = rows.parse(Object.fromEntries(text.split('\n').map((line) => line.split('\t', 2))));
  const at = position.safeParse({ history: said.wsrep_cluster_state_uuid, seqno: said.wsrep_last_committed });
  return {
    primary: said.wsrep_cluster_status === 'Primary' && said.wsrep_ready === 'ON',
    size: said.wsrep_cluster_size,
    state: said.wsrep_local_state_comment,
    position: at.success ? at.data : undefined,
    tables: said.tables === 1,
  };
}
