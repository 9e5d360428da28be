/**
 * Writes a download to a file, or to standard output. The file comes into being beside its place and takes it
 * once it is complete: whatever happens, there is never half of one.
 * @module
 */
import type { Download } from '../operation/operation.ts';
import type { DownloadBody } from '../operation/stream-types.ts';
import { formatBytes, formatDuration } from '../render/quantity.ts';
import { cliError } from './cli-errors.ts';
import type { CommandContext } from './command-context.ts';
import { answerText } from './print-answer.ts';
import { redraw } from './progress-line.ts';
import { TransferMeter } from './transfer-line.ts';

export interface Destination {
  /** `-` is standard output. */
  readonly path: string;
  /** A file that is there already may be replaced. */
  readonly replace: boolean;
}

/** @returns the exit code. @throws PvcError OUTPUT_FILE before anything is asked for; what the download throws */
export async function receiveFile(
  context: CommandContext,
  operation: Download,
  input: unknown,
  { path, replace }: Destination,
): Promise<number> {
  const { terminal, host, format } = context;
  const { clock, files } = host;
  const open = async (): Promise<DownloadBody> =>
    (await context.connect()).download(operation.name, input, { signal: terminal.signal });
  if (path === '-') {
    await pass(context, await open(), (piece) => terminal.host.writeBytes(piece));
    return 0;
  }
  await requireFree(context, path, replace);
  const startedMs = clock.monotonicMs();
  // Before anything is asked for: a place that cannot be written is told at once.
  const target = await files.createBeside(path, 0o644);
  let bytes: number;
  try {
    bytes = await pass(context, await open(), (piece) => target.write(piece));
    await requireFree(context, path, replace);
    await target.keep();
  } finally {
    await target.drop();
  }
  if (format === 'pretty')
    terminal.note(`${path}: ${formatBytes(bytes)} in ${formatDuration(clock.monotonicMs() - startedMs)}\n`);
  else
    terminal.write(await answerText({ name: path, sizeBytes: bytes }, format, { command: operation.name }, terminal));
  return 0;
}

/** @throws PvcError OUTPUT_FILE */
async function requireFree({ host }: CommandContext, path: string, replace: boolean): Promise<void> {
  const found = await host.files.stat(path);
  if (found === undefined) return;
  const unusable = (reason: string, instead: string) => cliError('OUTPUT_FILE', { path, reason, instead });
  if (found.kind === 'directory') throw unusable('it is a directory', 'Give the name of a file in it.');
  if (found.kind !== 'file') throw unusable('it is no regular file', 'Write to `-` and redirect that.');
  if (!replace) throw unusable('it is there already', 'Give another name, or `--force` to replace it.');
}

/** @returns how many bytes there were */
async function pass(
  { terminal, host: { clock } }: CommandContext,
  { sizeBytes, body }: DownloadBody,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<number> {
  const meter = new TransferMeter(sizeBytes);
  const stop = redraw(() => terminal.status(meter.line(clock.monotonicMs(), terminal.errors)), terminal, clock);
  try {
    for await (const piece of meter.count(body)) await write(piece);
  } finally {
    stop();
    terminal.status(undefined);
  }
  return meter.bytes;
}
