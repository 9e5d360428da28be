/**
 * Which daemon or cluster a run talks to: what the line or the environment names, else this machine's
 * daemon, else the connection that was chosen with `pvc connection use`.
 * @module
 */
import { cliError, usageError } from './cli-errors.ts';
import type { CliHost } from './command-context.ts';
import {
  apiUrl,
  type ConnectionFile,
  connectionFilePath,
  readConnections,
  type SavedConnection,
  urlText,
} from './connection-file.ts';
import type { Globals } from './global-options.ts';

/** What `createClient` takes. */
export type ConnectionOptions =
  | { readonly socket: string }
  | { readonly url: string; readonly token?: string; readonly fingerprint?: string }
  | { readonly store: string };

/** The daemon's socket, unless the configuration says otherwise. */
export const defaultSocket = '/run/pvc/pvc.sock';

type Environment = Readonly<Record<string, string | undefined>>;

const saved = (connection: SavedConnection): ConnectionOptions => ({
  url: connection.url,
  token: connection.token,
  ...(connection.fingerprint === undefined ? {} : { fingerprint: connection.fingerprint }),
});

/** @throws PvcError NOT_CONNECTED, CONNECTION_UNKNOWN, CONNECTION_FILE, NO_HOME, USAGE */
export async function chooseConnection(
  globals: Globals,
  environment: Environment,
  host: CliHost,
  localSocket: () => string | Promise<string> = () => defaultSocket,
): Promise<ConnectionOptions> {
  const file = (): Promise<ConnectionFile> => readConnections(host.files, connectionFilePath(environment));
  if (globals.socket !== undefined) return { socket: globals.socket };
  if (globals.store !== undefined) return { store: globals.store };
  if (globals.url !== undefined) return byUrl(globals.url, environment, file);
  if (globals.connection === 'local') return { socket: await localSocket() };
  if (globals.connection !== undefined) {
    const found = (await file()).connections[globals.connection];
    if (found === undefined) throw cliError('CONNECTION_UNKNOWN', { name: globals.connection });
    return saved(found);
  }
  const socket = await localSocket();
  if ((await host.files.stat(socket)) !== undefined) return { socket };
  // Without a home there can be no chosen connection: that is no mistake of its own here.
  if (hasHome(environment)) {
    const { current, connections } = await file();
    if (current !== undefined) {
      const found = connections[current];
      if (found === undefined) throw cliError('CONNECTION_UNKNOWN', { name: current });
      return saved(found);
    }
  }
  throw cliError('NOT_CONNECTED', { socket });
}

const hasHome = (environment: Environment): boolean => Boolean(environment['XDG_CONFIG_HOME'] || environment['HOME']);

async function byUrl(
  text: string,
  environment: Environment,
  file: () => Promise<ConnectionFile>,
): Promise<ConnectionOptions> {
  const url = apiUrl(text);
  if (url === undefined) throw usageError(`"${text}" is not an https address.`, 'Write it as https://HOST:PORT.');
  const address = urlText(url);
  const { PVC_TOKEN: token, PVC_FINGERPRINT: fingerprint } = environment;
  if (token !== undefined && token !== '') return { url: address, token, ...(fingerprint ? { fingerprint } : {}) };
  if (hasHome(environment)) {
    const known = Object.values((await file()).connections).find((connection) => connection.url === address);
    if (known !== undefined) return saved(known);
  }
  return { url: address, ...(fingerprint ? { fingerprint } : {}) };
}
