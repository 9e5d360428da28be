/**
 * What the renderers of operations are built from: tables, aligned fields, sections, amounts, times and
 * states. Plugins import it through `core/plugin/api.ts`.
 * @module
 */
import type { RenderContext } from '../operation/cli-spec.ts';
import { paint, paintState } from './colour.ts';
import { cutText, padText, textWidth, wrapText } from './text-width.ts';

export type { RenderContext } from '../operation/cli-spec.ts';
export { paint, paintState } from './colour.ts';
export {
  formatAgo,
  formatBytes,
  formatDuration,
  formatInstant,
  formatMiB,
  formatShare,
  formatTime,
} from './quantity.ts';

export type Cell = string | number | boolean | null | undefined;

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The cells are words of state and get their colours. */
  readonly state?: boolean;
  /** Cut this column only when nothing else can be: names, ids. */
  readonly keep?: boolean;
  /** Left out, the rightmost first, where the terminal is too narrow to read all columns side by side. */
  readonly optional?: boolean;
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
 * Columns without borders, as wide as they need and at most as wide as the terminal. Where that is too
 * narrow, optional columns are left out, then long texts are cut with an ellipsis, names and states last.
 * Numbers stand on the right. No rows give `(none)`.
 */
export function table(
  columns: readonly (string | Column)[],
  rows: readonly (readonly Cell[])[],
  context: RenderContext,
): string {
  if (rows.length === 0) return '(none)';
  const specs = columns.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const cells = rows.map((row) =>
    specs.map((spec, index) => (spec.state ? paintState(cellText(row[index]), context) : cellText(row[index]))),
  );
  const natural = specs.map((spec, index) =>
    cells.reduce((widest, row) => Math.max(widest, textWidth(row[index] ?? '')), textWidth(spec.title)),
  );
  const shown = columnsWithRoom(specs, natural, context.width);
  const pick = <T>(list: readonly T[]): T[] => shown.map((index) => list[index] as T);
  const widths = fitWidths(pick(natural), pick(specs), context.width);
  const sides = shown.map((index) => (isRight(specs[index], rows, index) ? 'left' : 'right'));
  const lineOf = (texts: readonly string[], style: (text: string) => string): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        return padText(style(cutText(text, width)), width, sides[index]);
      })
      .join(' '.repeat(gap))
      .trimEnd();
  const lines = [
    lineOf(
      pick(specs).map((spec) => spec.title),
      (title) => paint(title, 'bold', context),
    ),
    ...cells.map((row) => lineOf(pick(row), (text) => text)),
  ];
  const left = specs.filter((_spec, index) => !shown.includes(index)).map((spec) => spec.title);
  if (left.length > 0) {
    const text = left.length > 3 ? `${left.length} columns` : left.join(', ');
    lines.push(paint(cutText(`No room for ${text}; see --format json.`, context.width), 'dim', context));
  }
  return lines.join('\n');
}

/** As said, or because every cell that is not empty is a number. */
function isRight(column: Column | undefined, rows: readonly (readonly Cell[])[], index: number): boolean {
  if (column?.align !== undefined) return column.align === 'right';
  const given = rows.map((row) => row[index]).filter((cell) => cell !== undefined && cell !== null && cell !== '');
  return given.length > 0 && given.every((cell) => typeof cell === 'number');
}

/** What a text needs to be of use when it is cut: its beginning; a name a little more. */
const usefulText = 12;
const usefulName = 24;

/** The columns that can be read side by side. */
function columnsWithRoom(columns: readonly Column[], natural: readonly number[], available: number): number[] {
  const shown = [...columns.keys()];
  const needed = (index: number): number => {
    const { state, keep } = columns[index] ?? {};
    const width = natural[index] ?? 0;
    return state ? width : Math.min(width, keep ? usefulName : usefulText);
  };
  const total = (): number => shown.reduce((sum, index) => sum + needed(index) + gap, -gap);
  while (total() > available) {
    const at = shown.findLastIndex((index) => columns[index]?.optional === true);
    if (at === -1) break;
    shown.splice(at, 1);
  }
  return shown;
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
      for (const [index, width] of widths.entries())
        if (may(columns[index]) && width > floor && width > (widths[widest] ?? 0)) widest = index;
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
export function section(
  title: string,
  body: string | ((inner: RenderContext) => string),
  context: RenderContext,
): string {
  const inner: RenderContext = { width: Math.max(20, context.width - 2), colour: context.colour, nowMs: context.nowMs };
  const text = typeof body === 'string' ? body : body(inner);
  return text === '' ? '' : `${paint(title, 'bold', context)}\n${indent(text)}`;
}

/** Parts of a page with an empty line between them; empty parts are left out. */
export const page = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join('\n\n');
