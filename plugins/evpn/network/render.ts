/** Networks as people read them. @module */
import { fields, page, type RenderContext, section, table } from '../../../core/plugin/api.ts';
import { cellOf } from '../address/addressing.ts';
import type { NetworkInfo, NetworkRow } from './operations.ts';

/** No packet carries the number of a network of virtual functions. */
const vniOf = ({ type, vni }: NetworkRow): number | undefined => (type === 'sriov' ? undefined : vni);

export function renderNetworks(rows: readonly NetworkRow[], context: RenderContext): string {
  const devices = rows.some(({ device }) => device !== null);
  return table(
    [
      { title: 'NETWORK', keep: true },
      { title: 'VNI', align: 'right' },
      { title: 'VLAN', align: 'right', optional: true },
      { title: 'TYPE', optional: true },
      ...(devices ? [{ title: 'DEVICE', optional: true }] : []),
      { title: 'MTU', align: 'right', optional: true },
      'IPV4',
      'IPV6',
      { title: 'DOMAIN', optional: true },
      { title: 'GUESTS', align: 'right', optional: true },
      'DESCRIPTION',
    ],
    rows.map((row) => [
      row.name,
      vniOf(row) ?? '',
      row.vlan ?? '',
      row.type,
      ...(devices ? [row.device ?? ''] : []),
      row.mtu,
      cellOf(row.ipv4),
      cellOf(row.ipv6),
      row.domain ?? '',
      row.guests ?? '',
      row.description,
    ]),
    context,
  );
}

const wordsOf = (family: NetworkRow['ipv4']): string | undefined =>
  family === null
    ? undefined
    : `${family.prefix}, ${family.gateway === null ? 'no gateway' : `gateway ${family.gateway}`}`;

export const renderNetwork = (info: NetworkInfo, context: RenderContext): string =>
  page(
    fields(
      [
        ['Network', info.name],
        ['Description', info.description === '' ? undefined : info.description],
        ['Type', info.type],
        ['VNI', vniOf(info)],
        ['VLAN', info.vlan ?? undefined],
        ['MTU', info.mtu],
        ['IPv4', wordsOf(info.ipv4)],
        ['IPv6', wordsOf(info.ipv6)],
        ['Gateway on', info.gatewayMode === 'anycast' ? 'every node' : undefined],
        ['Domain', info.domain ?? undefined],
        ['Masquerade', info.nat ? 'towards the outside' : undefined],
        ['Bridge', info.bridge === '' ? undefined : `${info.bridge}, on every node`],
        ['Functions of', info.device ?? undefined],
      ],
      context,
    ),
    section(
      'Members',
      info.members.length === 0
        ? 'no guest is on it'
        : (inner) =>
            table(
              [{ title: 'GUEST', keep: true }, 'NODE', { title: 'STATE', state: true }, 'MAC', 'ADDRESSES'],
              info.members.map(({ vm, node, state, mac, addresses }) => [vm, node, state, mac, addresses.join(', ')]),
              inner,
            ),
      context,
    ),
  );
