/**
 * Stacks with the lines of the source. The executable carries the map of its bundle as a file of its
 * own, read only when a stack is shown: inline, Node would parse it at every start.
 * @module
 */
import { SourceMap } from 'node:module';
import { isPacked, readAsset } from './assets.ts';

/** Name of the map among the embedded files. */
export const mapAsset = 'bundle.map.br';

let map: SourceMap | undefined;

function bundleMap(): SourceMap {
  // Not imported above: loading it is a tenth of a short command's time.
  const { brotliDecompressSync } = process.getBuiltinModule('node:zlib');
  map ??= new SourceMap(
    JSON.parse(brotliDecompressSync(readAsset(mapAsset)).toString('utf8')) as ConstructorParameters<
      typeof SourceMap
    >[0],
  );
  return map;
}

const frame = /\(?([^\s()]+):(\d+):(\d+)\)?$/;

/** The name that V8 has for the bundle (where it was when it was packed): the one of this very line. */
const bundleName = frame.exec(new Error('where am I').stack?.split('\n')[1] ?? '')?.[1];

function sourceLine(line: string): string {
  const found = frame.exec(line);
  const [whole, file, row, column] = found ?? [];
  if (whole === undefined || file !== bundleName) return line;
  const entry = bundleMap().findEntry(Number(row) - 1, Number(column) - 1);
  if (!('originalSource' in entry)) return line;
  const place = `${entry.originalSource.replace(/^(?:\.\.\/)+/, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return line.replace(whole, whole.startsWith('(') ? `(${place})` : place);
}

/** The stack of an error for people and logs; undefined when it has none. */
export function readableStack(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  return isPacked ? error.stack.split('\n').map(sourceLine).join('\n') : error.stack;
}
