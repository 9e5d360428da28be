/** The network cards of all guests: who is on which network, and where. @module */
import { defineQuery, names, type RenderContext, table, z } from '../../../core/plugin/api.ts';
import { nicSource } from '../schema.ts';
import { vm, vmStates } from '../vm-kind.ts';

const nicRow = z.object({
  vm: z.string(),
  uuid: z.string(),
  node: z.string().describe('where the guest is'),
  state: z.enum(vmStates).describe('of the guest'),
  mac: z.string(),
  model: z.string(),
  source: nicSource.describe('what the card is plugged into'),
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
    ],
    rows.map((row) => [row.vm, row.mac, pluggedInto(row), row.node, row.state, row.model]),
    context,
  );

export const nicListOperation = defineQuery({
  name: 'vm.nic-list',
  summary: 'List the network cards of all guests, or of those on one network',
  http: { method: 'GET', path: '/nics' },
  cli: {
    command: 'vm nic list',
    render: renderNics,
    examples: ['pvc vm nic list', 'pvc vm nic list --network office'],
  },
  role: 'viewer',
  input: z.strictObject({ network: names.objectName.optional().describe('only cards on this network of the cluster') }),
  output: z.array(nicRow),
  async run({ view }, { network }): Promise<NicRow[]> {
    return (await view.list(vm))
      .flatMap(({ id, spec, status }) =>
        spec.nics.map(({ mac, model, source }) => ({
          vm: spec.name,
          uuid: id,
          node: status?.node ?? spec.node,
          state: status?.state ?? ('stopped' as const),
          mac,
          model,
          source,
        })),
      )
      .filter(({ source }) => network === undefined || (source.type === 'network' && source.network === network))
      .toSorted((a, b) => (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0));
  },
});
