/** Sends a file, or standard input, to an upload. @module */
import { errorText } from '../error/error.ts';
import type { FileSource } from '../host/host.ts';
import type { Upload } from '../operation/operation.ts';
import type { UploadAnswer, UploadProgress } from '../operation/stream-types.ts';
import { cliError } from './cli-errors.ts';
import type { CommandContext } from './command-context.ts';
import { progressBar, redraw } from './progress-line.ts';
import { TransferMeter } from './transfer-line.ts';

/** @throws PvcError INPUT_FILE, INPUT_SIZE before anything is sent; what the upload throws */
export async function sendFile(
  context: CommandContext,
  operation: Upload,
  input: unknown,
  path: string,
): Promise<UploadAnswer> {
  const { terminal, host } = context;
  const source = await openSource(context, path);
  try {
    if (source.sizeBytes === undefined && operation.sizeUnknown !== true) throw cliError('INPUT_SIZE', { path });
    const client = await context.connect();
    const meter = new TransferMeter(source.sizeBytes);
    let progress: UploadProgress | undefined;
    const stop = redraw(
      () =>
        terminal.status(
          progress === undefined
            ? meter.line(host.clock.monotonicMs(), terminal.errors)
            : progressLine(progress, terminal.errors),
        ),
      terminal,
      host.clock,
    );
    try {
      return await client.upload(operation.name, input, meter.count(source.body), {
        sizeBytes: source.sizeBytes,
        signal: terminal.signal,
        onProgress: (told) => {
          if (!terminal.showsStatus && told.message !== progress?.message) terminal.note(`${told.message}\n`);
          progress = told;
        },
      });
    } finally {
      stop();
      terminal.status(undefined);
    }
  } finally {
    await source.close();
  }
}

function progressLine({ message, share }: UploadProgress, context: { readonly colour: boolean }): string {
  return share === undefined ? message : `${progressBar(share, context)} ${Math.floor(share * 100)} %  ${message}`;
}

async function openSource({ host, terminal }: CommandContext, path: string): Promise<FileSource> {
  if (path === '-') return { sizeBytes: undefined, body: terminal.stdin, close: async () => {} };
  const unusable = (reason: string, cause?: unknown) =>
    cliError('INPUT_FILE', { option: 'FILE', path, reason }, { cause });
  const found = await host.files.stat(path).catch((error: unknown) => {
    throw unusable(errorText(error), error);
  });
  if (found?.kind === 'directory') throw unusable('it is a directory');
  if (found?.kind === 'socket') throw unusable('it is a socket');
  const source = await host.files.openRead(path).catch((error: unknown) => {
    throw unusable(errorText(error), error);
  });
  if (source === undefined) throw unusable('there is no such file');
  return source;
}
