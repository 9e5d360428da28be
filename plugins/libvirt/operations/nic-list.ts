/** The network cards of all guests: who is on which network, and where. @module */
import { defineQuery, names, type RenderContext, table, z } from '../../../core/plugin/api.ts';
import { rateText } from '../domain/nic-guard.ts';
import { nicSource } from '../schema.ts';
import { toldState, toldStates, vm } from '../vm-kind.ts';

const nicRow = z.object({
  vm: z.string(),
  uuid: z.string(),
  node: z.string().describe('where the guest is'),
  state: z.enum(toldStates).describe('of the guest'),
  mac: z.string(),
  model: z.string(),
  source: nicSource.describe('what the card is plugged into'),
  limitIn: z.int().nullable().describe('most that comes to the guest, kilobytes (1000 bytes) a second'),
  limitOut: z.int().nullable().describe('most that the guest sends, kilobytes (1000 bytes) a second'),
  antiSpoof: z
    .array(z.string())
    .nullable()
    .describe('it sends under its own addresses only, which are these beside those by DHCP'),
});
export type NicRow = z.output<typeof nicRow>;

const pluggedInto = ({ source }: NicRow): string =>
  source.type === 'bridge' ? `bridge ${source.bridge}` : source.type === 'network' ? source.network : source.type;

export const renderNics = (rows: readonly NicRow[], context: RenderContext): string =>
  table(
    [
      { title: 'VM', keep: true },
      'MAC',
      'NETWORK',
      'NODE',
      { title: 'STATE', state: true },
      { title: 'MODEL', optional: true },
      { title: 'LIMIT IN', optional: true },
      { title: 'LIMIT OUT', optional: true },
      { title: 'ANTI-SPOOF', optional: true },
    ],
    rows.map((row) => [
      row.vm,
      row.mac,
      pluggedInto(row),
      row.node,
      row.state,
      row.model,
      rateText(row.limitIn ?? undefined),
      rateText(row.limitOut ?? undefined),
      row.antiSpoof === null ? 'no' : ['yes', ...row.antiSpoof].join(' '),
    ]),
    context,
  );

export const nicListOperation = defineQuery({
  name: 'vm.nic-list',
  summary: 'List the network cards of all guests, or of those on one network',
  http: { method: 'GET', path: '/nics' },
  cli: {
    command: 'vm nic list',
    render: renderNics,
    examples: ['pvc vm nic list', 'pvc vm nic list --network office', 'pvc vm nic list --node hv1'],
  },
  role: 'viewer',
  input: z.strictObject({
    network: names.objectName.optional().describe('only cards on this network of the cluster'),
    node: names.nodeName.optional().describe('only cards of guests on this node, or on their way to it'),
  }),
  output: z.array(nicRow),
  async run({ view }, { network, node }): Promise<NicRow[]> {
    return (await (node === undefined ? view.list(vm) : view.listAt(vm, node)))
      .flatMap(({ id, spec, status }) =>
        spec.nics.map(({ mac, model, source, limits, antiSpoof }) => ({
          vm: spec.name,
          uuid: id,
          node: status?.node ?? spec.node,
          state: toldState({ spec, status }),
          mac,
          model,
          source,
          limitIn: limits?.inKBps ?? null,
          limitOut: limits?.outKBps ?? null,
          antiSpoof: antiSpoof?.addresses ?? null,
        })),
      )
      .filter(({ source }) => network === undefined || (source.type === 'network' && source.network === network))
      .toSorted((a, b) => (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0));
  },
});
