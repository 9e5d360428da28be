/** Pieces of text of nft(8). Pure. @module */

type TableFamily = 'inet' | 'bridge';

/** Tables of nft(8) of one name, which are always loaded together and as a whole. */
export interface Tables {
  /** The first is always there; the others where there is something to do. */
  readonly families: readonly [TableFamily, ...TableFamily[]];
  readonly name: string;
}

export const tableName = 'pvc_networks';
export const networksTables: Tables = { families: ['inet', 'bridge'], name: tableName };

export const block = (head: string, lines: readonly string[]): string[] => [
  `\t${head} {`,
  ...lines.map((line) => `\t\t${line}`),
  '\t}',
];

/** A named set or map; nft knows no empty list of elements. */
export const set = (head: string, type: string, elements: readonly string[]): string[] =>
  block(head, [`type ${type};`, ...(elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`])]);
