/** Networks as people read them. @module */
import { fields, page, type RenderContext, section, table } from '../../../core/plugin/api.ts';
import type { NetworkInfo, NetworkRow } from './operations.ts';

export const renderNetworks = (rows: readonly NetworkRow[], context: RenderContext): string =>
  table(
    [
      { title: 'NETWORK', keep: true },
      { title: 'VNI', align: 'right' },
      { title: 'TYPE', optional: true },
      { title: 'MTU', align: 'right' },
      { title: 'GUESTS', align: 'right' },
      'DESCRIPTION',
    ],
    rows.map((row) => [row.name, row.vni, row.type, row.mtu, row.guests, row.description]),
    context,
  );

export const renderNetwork = (info: NetworkInfo, context: RenderContext): string =>
  page(
    fields(
      [
        ['Network', info.name],
        ['Description', info.description === '' ? undefined : info.description],
        ['Type', info.type],
        ['VNI', info.vni],
        ['MTU', info.mtu],
        ['Bridge', `${info.bridge}, on every node`],
      ],
      context,
    ),
    section(
      'Members',
      info.members.length === 0
        ? 'no guest is on it'
        : (inner) =>
            table(
              [{ title: 'GUEST', keep: true }, 'NODE', { title: 'STATE', state: true }, 'MAC'],
              info.members.map(({ vm, node, state, mac }) => [vm, node, state, mac]),
              inner,
            ),
      context,
    ),
  );
