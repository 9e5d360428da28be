/** How rules look on a terminal. @module */
import { fields, page, type RenderContext, section, table } from '../../../core/plugin/api.ts';
import type { RuleRow } from './rule-operations.ts';

const strength = ({ strict }: RuleRow): string => (strict ? 'strict' : 'preferred');

export const renderRules = (rows: readonly RuleRow[], context: RenderContext): string =>
  table(
    [{ title: 'RULE', keep: true }, 'KEEPS', 'GUESTS', 'STRENGTH', 'NOW'],
    rows.map((row) => [
      row.name,
      row.kind,
      row.guests.join(', '),
      strength(row),
      row.broken.length === 0 ? 'kept' : row.broken.join('; '),
    ]),
    context,
  );

export const renderRule = (row: RuleRow, context: RenderContext): string =>
  page(
    fields(
      [
        ['Rule', row.name],
        ['Keeps', row.kind],
        ['Strength', strength(row)],
        ['Now', row.broken.length === 0 ? 'kept' : row.broken.join('; ')],
      ],
      context,
    ),
    section(
      'Guests',
      (inner) =>
        table(
          [{ title: 'GUEST', keep: true }, 'NODE'],
          row.guests.map((guest) => [guest, row.places.find(({ vm }) => vm === guest)?.node ?? null]),
          inner,
        ),
      context,
    ),
  );
