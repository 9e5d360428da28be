/** Access control lists as people read them. @module */
import { formatBytes, type RenderContext, table } from '../../../core/plugin/api.ts';
import type { AclRow } from './acl-operations.ts';

export const renderAcl = (rows: readonly AclRow[], context: RenderContext): string =>
  table(
    [
      { title: 'NETWORK', keep: true },
      'DIRECTION',
      { title: 'ORDER', align: 'right' },
      { title: 'RULE', keep: true },
      { title: 'PACKETS', align: 'right' },
      { title: 'BYTES', align: 'right' },
      { title: 'DESCRIPTION', optional: true },
    ],
    rows.map(({ network, direction, order, rule, packets, bytes, description }) => [
      network,
      direction,
      order,
      rule,
      packets ?? '?',
      bytes === null ? '?' : formatBytes(bytes),
      description,
    ]),
    context,
  );
