/** Names as people read them. @module */
import { type RenderContext, table } from '../../../core/plugin/api.ts';
import type { EntryRow } from './operations.ts';

export const renderEntries = (rows: readonly EntryRow[], context: RenderContext): string =>
  table(
    [
      { title: 'NAME', keep: true },
      'TYPE',
      'CONTENT',
      { title: 'TTL', align: 'right' },
      'SOURCE',
      { title: 'NETWORK', optional: true },
      'HIDDEN BY',
    ],
    rows.map((row) => [row.name, row.type, row.content, row.ttl, row.source, row.network ?? '', row.hidden ?? '']),
    context,
  );
