/** Keys of zones as people read them: records whole, to be handed on. @module */
import { fields, formatTime, page, paintState, type RenderContext, section } from '../../../core/plugin/api.ts';
import type { KeyRow } from './operations.ts';

/** A record is never broken: it is copied. */
const wide = (context: RenderContext): RenderContext => ({ ...context, width: Number.POSITIVE_INFINITY });

const keyPage = (row: KeyRow, context: RenderContext): string =>
  section(
    row.zone,
    fields(
      [
        [
          'Key',
          `${row.keyTag}, ${row.algorithmName} (${row.algorithm}), made ${formatTime(row.sinceMs, context.nowMs)}`,
        ],
        ['State', paintState(row.state, context)],
        ['Network', row.network],
        ['DS', row.ds],
        ['DNSKEY', row.dnskey],
      ],
      wide(context),
    ),
    context,
  );

export const renderKeys = (rows: readonly KeyRow[], context: RenderContext): string =>
  rows.length === 0 ? 'Nothing is signed.' : page(...rows.map((row) => keyPage(row, context)));
