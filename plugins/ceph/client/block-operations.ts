/** Blocks nodes from the storage, and lets them in again. @module */
import {
  defineMutation,
  defineQuery,
  formatInstant,
  names,
  node as nodeKind,
  type RenderContext,
  table,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { blockError, storageBlock } from './block-kind.ts';
import { readBlocklist } from './blocklist.ts';
import { needAddress } from './refusing-ceph.ts';

const taskTimeoutMs = 120_000;
const node = names.nodeName.describe('the node');
const nodeArgument = { field: 'node', complete: 'node' } as const;

const blockRow = z.object({
  node: z.string(),
  address: z.string(),
  createdMs: z.number(),
  state: z.enum(['blocked', 'blocking', 'lost']).describe('lost: Ceph does not have it any more'),
  untilMs: z.number().nullable(),
  epoch: z.int().nullable().describe('the map of Ceph in which it was read back'),
});
type BlockRow = z.output<typeof blockRow>;

const renderBlocks = (rows: readonly BlockRow[], context: RenderContext): string =>
  table(
    [{ title: 'NODE', keep: true }, 'ADDRESS', { title: 'STATE', state: true }, 'SINCE', 'UNTIL', 'MAP'],
    rows.map((row) => [
      row.node,
      row.address,
      row.state,
      formatInstant(row.createdMs),
      row.untilMs === null ? null : formatInstant(row.untilMs),
      row.epoch,
    ]),
    context,
  );

export function blockOperations(ceph: () => CephCommand) {
  return [
    defineMutation({
      name: 'storage.block',
      summary: 'Make Ceph refuse every client of a node: the storage fence',
      description:
        'For a node that cannot be reached and may run on: whatever it still runs can write nothing more, so its guests may be started elsewhere. Ceph is read back, and what it said is kept as proof. A node that boots anew is let in again by itself.',
      http: { method: 'POST', path: '/storage/blocks/{node}' },
      cli: {
        command: 'storage block add',
        arguments: [nodeArgument],
        confirm: 'Block {node} from the storage? Guests that run there lose their disks.',
        waits: true,
        nameField: 'node',
        examples: ['pvc storage block add hv2'],
      },
      role: 'admin',
      input: z.strictObject({ node, force: z.boolean().default(false).describe('even if it answers and runs guests') }),
      output: z.object({ node: z.string(), address: z.string() }),
      async plan(plan, { view, nowMs }, { node: name, force }) {
        const doc = await view.need(nodeKind, name);
        const address = needAddress(doc);
        if ((await view.primary()) === name) throw blockError('BLOCK_PRIMARY', { node: name });
        const guests = Number(doc.status?.facts['libvirt']?.['guests'] ?? 0);
        if (!force && guests > 0 && (await view.alive()).has(name))
          throw blockError('BLOCK_GUESTS', { node: name, guests });
        const spec = {
          address,
          createdMs: Math.round(nowMs),
          ...(doc.status === undefined ? {} : { bootId: doc.status.bootId }),
        };
        const before = await view.get(storageBlock, name);
        if (before === undefined) plan.create(storageBlock, name, spec);
        else plan.update(storageBlock, before, spec);
        plan.task({
          action: 'storage.block',
          target: { kind: 'storage-block', id: name, label: name },
          node: undefined,
          input: null,
          timeoutMs: taskTimeoutMs,
        });
        plan.act(`make Ceph refuse every client at ${address}, and read that back`);
        plan.warn(`Guests that still run on ${name} lose their disks.`);
        return { node: name, address };
      },
    }),
    defineMutation({
      name: 'storage.unblock',
      summary: 'Let the clients of a node in again',
      description:
        'Only when its guests run nowhere else. Those of its guests that have volumes and still run there have lost them for good: they are ended first, and started anew.',
      http: { method: 'DELETE', path: '/storage/blocks/{node}' },
      cli: {
        command: 'storage block remove',
        aliases: ['rm'],
        arguments: [nodeArgument],
        confirm:
          'Let {node} in again? Guests that still run there from before would write beside those started elsewhere.',
        waits: true,
        nameField: 'node',
      },
      role: 'admin',
      input: z.strictObject({ node }),
      output: z.object({ node: z.string() }),
      async plan(plan, { view }, { node: name }) {
        const doc = await view.get(storageBlock, name);
        if (doc === undefined) throw blockError('BLOCK_NOT_FOUND', { node: name });
        plan.unchanged(storageBlock, doc);
        plan.task({
          action: 'storage.unblock',
          target: { kind: 'storage-block', id: name, label: name },
          node: undefined,
          input: null,
          timeoutMs: taskTimeoutMs,
        });
        plan.act(`let the clients at ${doc.spec.address} in again`);
        return { node: name };
      },
    }),
    defineQuery({
      name: 'storage.block-list',
      summary: 'List the nodes that Ceph refuses, with the proof',
      http: { method: 'GET', path: '/storage/blocks' },
      cli: { command: 'storage block list', render: renderBlocks, nameField: 'node' },
      role: 'viewer',
      input: z.strictObject({}),
      output: z.array(blockRow),
      async run({ view }): Promise<BlockRow[]> {
        const docs = await view.list(storageBlock);
        if (docs.length === 0) return [];
        const { ranges } = await readBlocklist(ceph());
        return docs.map(({ id, spec }) => ({
          node: id,
          address: spec.address,
          createdMs: spec.createdMs,
          state: spec.proof === undefined ? 'blocking' : ranges.has(spec.proof.range) ? 'blocked' : 'lost',
          untilMs: spec.proof?.untilMs ?? null,
          epoch: spec.proof?.epoch ?? null,
        }));
      },
    }),
  ];
}
