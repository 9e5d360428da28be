/** Pieces of text of nft(8). Pure. @module */

export const tableName = 'pvc_networks';

export const block = (head: string, lines: readonly string[]): string[] => [
  `\t${head} {`,
  ...lines.map((line) => `\t\t${line}`),
  '\t}',
];

/** A named set or map; nft knows no empty list of elements. */
export const set = (head: string, type: string, elements: readonly string[]): string[] =>
  block(head, [`type ${type};`, ...(elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`])]);
