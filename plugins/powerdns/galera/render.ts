/** The back end of PowerDNS as people read it. @module */
import { fields, page, type RenderContext, section, table } from '../../../core/plugin/api.ts';
import type { BackendStatus } from './operations.ts';

export const renderBackend = ({ backend, epoch, first, members }: BackendStatus, context: RenderContext): string =>
  page(
    fields(
      [['Back end', backend], ...(first === null ? [] : [['Group', `${epoch}, begun by ${first}`] as const])],
      context,
    ),
    members.length === 0
      ? undefined
      : section(
          'MariaDB',
          table(
            [
              { title: 'NODE', keep: true },
              { title: 'STATE', state: true },
              { title: 'GROUP', align: 'right' },
            ],
            members.map((one) => [one.node, one.state, one.epoch ?? '']),
            context,
          ),
          context,
        ),
  );
