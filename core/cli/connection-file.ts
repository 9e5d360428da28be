/** The administrator's connections to clusters: a JSON file of mode 0600 below the home directory. @module */
import { dirname, join } from 'node:path/posix';
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { Files } from '../host/host.ts';
import { issueLines } from '../model/document-text.ts';
import { cliError } from './cli-errors.ts';

export const connectionName = z
  .string()
  .regex(
    /^(?!local$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a connection name is 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", and not "local"',
  );

const savedConnection = z.object({
  url: z.string(),
  token: z.string(),
  /** SHA-256 of the certificate that is expected; absent: one that an authority vouches for. */
  fingerprint: z.string().optional(),
});
export type SavedConnection = z.infer<typeof savedConnection>;

const fileSchema = z.object({
  version: z.literal(1),
  /** The connection that is used when nothing else is said. */
  current: z.string().optional(),
  connections: z.record(z.string(), savedConnection),
});
export type ConnectionFile = z.infer<typeof fileSchema>;

/** Where the file is. @throws PvcError NO_HOME */
export function connectionFilePath(environment: Readonly<Record<string, string | undefined>>): string {
  const base =
    environment['XDG_CONFIG_HOME'] || (environment['HOME'] ? join(environment['HOME'], '.config') : undefined);
  if (base === undefined) throw cliError('NO_HOME');
  return join(base, 'pvc', 'connections.json');
}

/** The file's content; an absent file holds no connections. @throws PvcError CONNECTION_FILE */
export async function readConnections(files: Pick<Files, 'readText'>, path: string): Promise<ConnectionFile> {
  const bad = (reason: string, cause: unknown) => cliError('CONNECTION_FILE', { path, reason }, { cause });
  let text: string | undefined;
  try {
    text = await files.readText(path);
  } catch (error) {
    throw bad(errorText(error), error);
  }
  if (text === undefined) return { version: 1, connections: {} };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser quotes what it could not read, and that may be a token.
    throw bad('it is not JSON', undefined);
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw bad(issueLines(parsed.error).join('; '), undefined);
  return parsed.data;
}

/** Writes the file so that only its owner can read it. */
export async function writeConnections(
  files: Pick<Files, 'writeAtomic' | 'makeDirectory'>,
  path: string,
  content: ConnectionFile,
): Promise<void> {
  await files.makeDirectory(dirname(path), 0o700);
  await files.writeAtomic(path, `${JSON.stringify(content, null, 2)}\n`, 0o600);
}

/** The https address of an API: a missing port is 7370. Undefined when it is none. */
export function apiUrl(text: string): URL | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const url = new URL(withScheme);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  // The URL class hides a port that is the scheme's own, so ":443" must be looked for in the text.
  if (url.port === '' && !/^https:\/\/[^/]*:443(?:\/|$)/i.test(withScheme)) url.port = '7370';
  return url;
}

/** An address as it is kept and compared: without a slash at the end. */
export const urlText = (url: URL): string => url.href.replace(/\/+$/, '');
