/** Markdown as the generated pages write it. Pure. @module */

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const code = (text: string): string => `\`${text}\``;

/** Nothing for no rows. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

/** Parts with an empty line between them, ending with a line feed. */
export const markdownPage = (parts: readonly string[]): string =>
  `${parts.filter((part) => part !== '').join('\n\n')}\n`;

/** What every generated page says of itself. */
export const generated = (from: string): string => `*Generated from ${from} by \`npm run docs\`; change it there.*`;
