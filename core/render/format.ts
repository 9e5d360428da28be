/**
 * What the renderers of operations are built from: tables, aligned fields, sections, amounts, times and
 * states. Light to import, since plugins do so through `core/plugin/api.ts`; the library behind the tables
 * is loaded by `loadTables()`, which the command line does before it renders.
 * @module
 */
import type TableConstructor from 'cli-table3';
import type { RenderContext } from '../operation/cli-spec.ts';
import { paint, paintState } from './colour.ts';
import { cutText, padText, textWidth, wrapText } from './text-width.ts';

export { paint, paintState } from './colour.ts';
export { formatAgo, formatBytes, formatDuration, formatInstant, formatMiB, formatShare, formatTime } from './quantity.ts';
export type { RenderContext } from '../operation/cli-spec.ts';

export type Cell = string | number | boolean | null | undefined;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The cells are words of state and get their colours. */
  readonly state?: boolean;
  /** Cut this column only when nothing else can be: names, ids. */
  readonly keep?: boolean;
}

let Table: typeof TableConstructor | undefined;

/** Loads the table library; needed once before the first `table()`. */
export async function loadTables(): Promise<void> {
  Table ??= (await import('cli-table3')).default;
}

const gap = 2;
const narrowest = 6;

/** A cell as text: nothing is `-`, yes and no are words. */
export function cellText(cell: Cell): string {
  if (cell === undefined || cell === null || cell === '') return '-';
  if (cell === true) return 'yes';
  if (cell === false) return 'no';
  return String(cell).replace(/\s*\n\s*/g, ' ');
}

/**
 * Columns without borders, as wide as they need and at most as wide as the terminal; what does not fit is
 * cut with an ellipsis, the widest column first. Numbers stand on the right. No rows give `(none)`.
 */
export function table(columns: readonly (string | Column)[], rows: readonly (readonly Cell[])[], context: RenderContext): string {
  if (rows.length === 0) return '(none)';
  if (Table === undefined) throw new Error('tables are not loaded: await loadTables() first');
  const specs = columns.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const texts = rows.map((row) => specs.map((spec, index) => (spec.state ? paintState(cellText(row[index]), context) : cellText(row[index]))));
  const right = specs.map((spec, index) => {
    if (spec.align !== undefined) return spec.align === 'right';
    const given = rows.map((row) => row[index]).filter((cell) => cell !== undefined && cell !== null && cell !== '');
    return given.length > 0 && given.every((cell) => typeof cell === 'number');
  });
  const widths = fitWidths(
    specs.map((spec, index) => texts.reduce((widest, row) => Math.max(widest, textWidth(row[index] ?? '')), textWidth(spec.title))),
    specs,
    context.width,
  );
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' };
  const made = new Table({
    chars: { ...none, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' '.repeat(gap) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: widths,
    colAligns: right.map((isRight) => (isRight ? 'right' : 'left')),
  });
  made.push(specs.map((spec, index) => paint(cutText(spec.title, widths[index] ?? 0), 'bold', context)));
  for (const row of texts) made.push(row.map((text, index) => cutText(text, widths[index] ?? 0)));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Who gives way first, and down to how many columns: long texts, then names and ids, then everything. */
const stages: readonly { readonly may: (column: Column | undefined) => boolean; readonly floor: number }[] = [
  { may: (column) => column?.keep !== true && column?.state !== true, floor: 14 },
  { may: (column) => column?.keep === true, floor: 18 },
  { may: (column) => column?.keep !== true && column?.state !== true, floor: narrowest },
  { may: () => true, floor: narrowest },
];

/** Takes from the widest column that may give way until all fit; none gets narrower than six. */
function fitWidths(natural: readonly number[], columns: readonly Column[], available: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1) - available;
  for (const { may, floor } of stages) {
    while (excess > 0) {
      let widest = -1;
      for (const [index, width] of widths.entries()) if (may(columns[index]) && width > floor && width > (widths[widest] ?? 0)) widest = index;
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess -= 1;
    }
  }
  return widths;
}

/** A label and its value; `undefined` leaves the line out. */
export type Field = readonly [label: string, value: Cell];

/** Lines of `Label:  value` with the values aligned; long and many-line values are wrapped under themselves. */
export function fields(pairs: readonly (Field | undefined)[], context: RenderContext): string {
  const given = pairs.filter((pair): pair is Field => pair !== undefined && pair[1] !== undefined);
  const labelWidth = Math.max(0, ...given.map(([label]) => textWidth(label) + 1));
  const indent = ' '.repeat(labelWidth + gap);
  return given
    .map(([label, value]) => {
      const text = typeof value === 'string' && value.includes('\n') ? value.trimEnd() : cellText(value);
      const lines = wrapText(text, Math.max(20, context.width - indent.length));
      return `${paint(padText(`${label}:`, labelWidth), 'bold', context)}${' '.repeat(gap)}${lines.join(`\n${indent}`)}`;
    })
    .join('\n');
}

/** Every line moved to the right. */
export const indent = (text: string, columns = 2): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : ' '.repeat(columns) + line))
    .join('\n');

/** A title over an indented body; nothing when the body is empty. */
export function section(title: string, body: string | ((inner: RenderContext) => string), context: RenderContext): string {
  const inner: RenderContext = { width: Math.max(20, context.width - 2), colour: context.colour, nowMs: context.nowMs };
  const text = typeof body === 'string' ? body : body(inner);
  return text === '' ? '' : `${paint(title, 'bold', context)}\n${indent(text)}`;
}

/** Parts of a page with an empty line between them; empty parts are left out. */
export const page = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined && part !== '').join('\n\n');
