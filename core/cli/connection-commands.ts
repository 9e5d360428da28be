/** `pvc connection …`: the clusters that this command line can talk to. @module */
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import { fields, page, section, table } from '../render/format.ts';
import { cliError, usageError } from './cli-errors.ts';
import type { CommandContext } from './command-context.ts';
import { defaultSocket } from './connection-choice.ts';
import {
  apiUrl,
  type ConnectionFile,
  connectionFilePath,
  connectionName,
  readConnections,
  urlText,
  writeConnections,
} from './connection-file.ts';
import { defineLocalCommand, type LocalCommand } from './local-command.ts';

const nameField = z.object({ name: connectionName.describe('Name of the connection') });
const nameArgument = [{ field: 'name', complete: 'connection' }] as const;

const pathOf = (context: Pick<CommandContext, 'terminal'>): string =>
  connectionFilePath(context.terminal.host.environment);

/** SHA-256 in the one form that is kept: upper case with colons. */
const fingerprint = z
  .string()
  .transform((text) =>
    text
      .replace(/^sha256:/i, '')
      .replaceAll(':', '')
      .toUpperCase(),
  )
  .refine(
    (text) => /^[0-9A-F]{64}$/.test(text),
    'a fingerprint is the SHA-256 of the certificate, 64 hexadecimal digits with or without ":"',
  )
  .transform((text) => text.replace(/..(?=.)/g, '$&:'));

const add = defineLocalCommand({
  command: 'connection add',
  summary: 'Add a cluster',
  description:
    'Asks the server for its certificate, shows the fingerprint and remembers it once you have agreed; with --fingerprint it must be that one. ' +
    'The token is asked for, or read from standard input or a file; it is kept in a file that only you can read and never shown. The first connection becomes the current one.',
  input: z.object({
    name: connectionName.describe('Name of the connection'),
    url: z.string().describe('Address of the API; the port is 7370 unless given'),
    tokenStdin: z.boolean().default(false).describe('Read the token from standard input'),
    tokenFile: z.string().optional().describe('Read the token from this file'),
    fingerprint: fingerprint.optional().describe('SHA-256 of the certificate that the server must show'),
  }),
  arguments: [{ field: 'name' }, { field: 'url' }],
  options: { tokenFile: { value: 'FILE', complete: 'file' }, fingerprint: { value: 'SHA256' } },
  examples: [
    'pvc connection add lab hv1.example.net',
    'pvc connection add prod https://pvc.example.net:7370 --token-stdin <token',
  ],
  run: async (context) => {
    const { input, host } = context;
    const url = apiUrl(input.url);
    if (url === undefined)
      throw usageError(`"${input.url}" is not an https address.`, 'Write it as https://HOST:PORT.');
    if (input.tokenStdin && input.tokenFile !== undefined)
      throw usageError('--token-stdin and --token-file contradict each other.', 'Give one of them.');
    const path = pathOf(context);
    const file = await readConnections(host.files, path);
    const known = file.connections[input.name];
    if (known !== undefined) throw cliError('CONNECTION_EXISTS', { name: input.name, url: known.url });
    const pinned = await agreedFingerprint(url, input.fingerprint, context);
    const token = await readToken(context, input.tokenStdin, input.tokenFile);
    await writeConnections(host.files, path, {
      ...file,
      current: file.current ?? input.name,
      connections: {
        ...file.connections,
        [input.name]: { url: urlText(url), token, ...(pinned === undefined ? {} : { fingerprint: pinned }) },
      },
    });
    const current = file.current === undefined ? ' It is the current connection now.' : '';
    await context.print(
      { name: input.name, url: urlText(url) },
      { render: () => `Connection ${input.name} to ${urlText(url)} was added.${current}` },
    );
    return 0;
  },
});

/** The fingerprint to remember; undefined when an authority vouches for the certificate. */
async function agreedFingerprint(
  url: URL,
  expected: string | undefined,
  context: CommandContext,
): Promise<string | undefined> {
  const { terminal } = context;
  if (expected !== undefined) return expected;
  const seen = await context.certificateOf(url, terminal.signal);
  if (seen.trusted) return undefined;
  terminal.warn(
    `${fields(
      [
        ['Server', urlText(url)],
        ['Certificate', seen.subject],
        ['Valid until', seen.validUntil],
        ['SHA-256', seen.fingerprint],
      ],
      terminal.errorContext,
    )}\n`,
  );
  await terminal.mustConfirm('Is this the certificate of that cluster (`pvc cluster status` there shows it)?');
  return seen.fingerprint;
}

async function readToken(context: CommandContext, fromInput: boolean, file: string | undefined): Promise<string> {
  const { terminal, host } = context;
  const text = fromInput
    ? await terminal.host.readAll()
    : file !== undefined
      ? await tokenFile(file, host.files)
      : await typedToken(context);
  const token = text.trim();
  if (!/^[\u0021-\u007e]{8,512}$/.test(token))
    throw usageError(
      'That is not a token: it must be one word of 8 to 512 characters.',
      'Make one on the cluster with `pvc token create NAME`.',
    );
  return token;
}

async function tokenFile(path: string, files: CommandContext['host']['files']): Promise<string> {
  const bad = (reason: string) => cliError('INPUT_FILE', { option: '--token-file', path, reason });
  const text = await files.readText(path).catch((error: unknown) => {
    throw bad(errorText(error));
  });
  if (text === undefined) throw bad('there is no such file');
  return text;
}

async function typedToken({ terminal }: CommandContext): Promise<string> {
  if (!terminal.interactive)
    throw cliError('NO_TERMINAL', {
      what: 'Asking for the token',
      instead: 'Give it with --token-stdin or --token-file.',
    });
  return (await terminal.ask('Token: ', { hidden: true })) ?? '';
}

interface Listed {
  readonly name: string;
  readonly url: string;
  readonly current: boolean;
  readonly fingerprint: string | undefined;
}

const listed = (file: ConnectionFile): Listed[] =>
  Object.entries(file.connections)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { url, fingerprint: pinned }]) => ({
      name,
      url,
      current: file.current === name,
      fingerprint: pinned,
    }));

const list = defineLocalCommand({
  command: 'connection list',
  aliases: ['ls'],
  summary: 'List the clusters that were added',
  input: z.object({}),
  run: async (context) => {
    const items = listed(await readConnections(context.host.files, pathOf(context)));
    await context.print(items, {
      render: (rows: Listed[], terminal) =>
        rows.length === 0
          ? 'No connections. Add one: pvc connection add NAME https://HOST:7370'
          : table(
              ['', { title: 'NAME', keep: true }, 'URL', 'CERTIFICATE'],
              rows.map((row) => [
                row.current ? '*' : ' ',
                row.name,
                row.url,
                row.fingerprint?.slice(0, 23) ?? 'by authority',
              ]),
              terminal,
            ),
    });
    return 0;
  },
});

const show = defineLocalCommand({
  command: 'connection show',
  aliases: ['detail'],
  summary: 'Show one connection, or the one that would be used now',
  input: z.object({ name: connectionName.optional().describe('Name of the connection') }),
  arguments: nameArgument,
  run: async (context) => {
    const { input } = context;
    if (input.name === undefined) {
      const used = await context.connection();
      const { token: _never, ...shown } = { token: undefined, ...used };
      await context.print(shown, {
        render: (value: typeof shown, terminal) =>
          page(section('In use', (inner) => fields(Object.entries(value), inner), terminal)),
      });
      return 0;
    }
    const found = listed(await readConnections(context.host.files, pathOf(context))).find(
      (item) => item.name === input.name,
    );
    if (found === undefined) throw cliError('CONNECTION_UNKNOWN', { name: input.name });
    await context.print(found);
    return 0;
  },
});

const use = defineLocalCommand({
  command: 'connection use',
  summary: 'Choose the cluster for commands that name none',
  description: 'A daemon on this machine comes first: `-c NAME` names a cluster in spite of it.',
  input: nameField,
  arguments: nameArgument,
  run: async (context) => {
    const { input, host } = context;
    const path = pathOf(context);
    const file = await readConnections(host.files, path);
    if (file.connections[input.name] === undefined) throw cliError('CONNECTION_UNKNOWN', { name: input.name });
    await writeConnections(host.files, path, { ...file, current: input.name });
    const local =
      (await host.files.stat(defaultSocket)) === undefined
        ? ''
        : ' This machine has a daemon of its own, which comes first: use `-c` here.';
    await context.print({ name: input.name }, { render: () => `Connection ${input.name} is the current one.${local}` });
    return 0;
  },
});

const remove = defineLocalCommand({
  command: 'connection remove',
  aliases: ['rm'],
  summary: 'Forget a cluster and its token',
  input: nameField,
  arguments: nameArgument,
  run: async (context) => {
    const { input, host } = context;
    const path = pathOf(context);
    const { current, ...file } = await readConnections(host.files, path);
    if (file.connections[input.name] === undefined) throw cliError('CONNECTION_UNKNOWN', { name: input.name });
    const connections = Object.fromEntries(Object.entries(file.connections).filter(([name]) => name !== input.name));
    await writeConnections(host.files, path, {
      ...file,
      ...(current === undefined || current === input.name ? {} : { current }),
      connections,
    });
    await context.print(
      { name: input.name },
      {
        render: () => `Connection ${input.name} was removed. Its token is still valid on the cluster: revoke it there.`,
      },
    );
    return 0;
  },
});

export const connectionCommands: readonly LocalCommand[] = [add, list, show, use, remove];
