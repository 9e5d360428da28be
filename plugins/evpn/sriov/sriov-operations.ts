/** The cards of nodes that give virtual functions, and who has them. @module */
import { defineQuery, names, node as nodeKind, type RenderContext, table, z } from '../../../core/plugin/api.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { network } from '../network/network-kind.ts';
import { devicesOf } from './sriov-facts.ts';

const deviceRow = z.object({
  node: z.string(),
  device: z.string().describe('the card (physical function)'),
  made: z.int().describe('virtual functions that there are'),
  most: z.int().describe('virtual functions that the card can give'),
  networks: z.array(z.string()).describe('networks whose guests have functions of it'),
  given: z.array(
    z.object({
      index: z.int().describe('number of the function in the card'),
      mac: z.string(),
      vm: z.string().nullable().describe('the guest; null: it is gone since the node told'),
    }),
  ),
});
export type SriovRow = z.output<typeof deviceRow>;

const renderDevices = (rows: readonly SriovRow[], context: RenderContext): string =>
  table(
    [
      { title: 'NODE', keep: true },
      { title: 'DEVICE', keep: true },
      { title: 'FUNCTIONS', align: 'right' },
      { title: 'GIVEN', align: 'right' },
      { title: 'MOST', align: 'right', optional: true },
      'NETWORKS',
      'GUESTS',
    ],
    rows.map(({ node, device, made, most, networks, given }) => [
      node,
      device,
      made,
      given.length,
      most,
      networks.join(', '),
      given.map(({ index, mac, vm }) => `${index} ${vm ?? mac}`).join(', '),
    ]),
    context,
  );

/** What the plugin of guests tells of a card: `vm.nic-list`. */
const card = z.object({ vm: z.string(), mac: z.string() });

export function sriovOperations(part: () => Pick<DaemonPart, 'runtime'>) {
  return [
    defineQuery({
      name: 'network.sriov-list',
      summary: 'List the cards of nodes that give virtual functions (SR-IOV), and the guests that have them',
      http: { method: 'GET', path: '/sriov' },
      cli: {
        command: 'network sriov list',
        render: renderDevices,
        examples: ['pvc network sriov list', 'pvc network sriov list --node hv1'],
      },
      role: 'viewer',
      input: z.strictObject({ node: names.nodeName.optional().describe('only cards of this node') }),
      output: z.array(deviceRow),
      async run({ view }, { node }): Promise<SriovRow[]> {
        const told = (await view.list(nodeKind))
          .filter(({ id }) => node === undefined || id === node)
          .flatMap(({ id, status }) => devicesOf(status?.facts['evpn']).map((one) => ({ node: id, ...one })));
        if (told.length === 0) return [];
        const networks = await view.list(network);
        const { runtime } = part();
        const cards = z.array(card).parse(await runtime.ask('vm.nic-list', {}, runtime.signal));
        const guests = new Map(cards.map(({ mac, vm }) => [mac, vm]));
        return told.map(({ given, ...one }) => ({
          ...one,
          networks: networks.filter(({ spec }) => spec.device === one.device).map(({ spec }) => spec.name),
          given: given.map(({ index, mac }) => ({ index, mac, vm: guests.get(mac) ?? null })),
        }));
      },
    }),
  ];
}
