/**
 * Figures that were measured, and how they are shown. Pure.
 * @module
 */

export interface Figure {
  /** The part of the table that it stands in. */
  readonly area: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** How it was measured, or the figures beside it. */
  readonly note?: string;
  /** The most (or, beginning with `≥`, the least) that it should be; shown, never asserted. */
  readonly goal?: string;
}

/** The value below which `part` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Three digits that mean something; whole numbers from 100 on, with separators. */
export function numberText(value: number): string {
  const digits = value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The figures as a table for people, an area after the other. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${numberText(figure.value)} ${figure.unit}`,
    figure.goal ?? '',
    figure.note ?? '',
  ]);
  const head = ['', 'Measured', 'Goal', ''];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 1 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  const lines: string[] = [line(head)];
  let area = '';
  rows.forEach((row, at) => {
    const next = figures[at]?.area ?? '';
    if (next !== area) lines.push('', next);
    area = next;
    lines.push(line(row));
  });
  return lines.join('\n');
}
