/** What a command gets from the run that it is a part of. @module */
import type { Host } from '../host/host.ts';
import type { CliClient } from '../operation/cli-spec.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import type { TaskWaiting } from '../task/task-view.ts';
import type { CommandNode } from './command-tree.ts';
import type { ConnectionOptions } from './connection-choice.ts';
import type { Format, Globals } from './global-options.ts';
import type { SessionTerminal } from './session-terminal.ts';

/** A way to a cluster, as `createClient` makes it. */
export type ConnectedClient = CliClient & TaskWaiting & { close?(): Promise<void> | void };

export type CliHost = Pick<Host, 'clock' | 'files'>;

/** The certificate that a server shows, not yet trusted. */
export interface SeenCertificate {
  /** SHA-256 of the certificate: `AB:CD:…`. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly validUntil: string;
  /** An authority that this machine trusts has signed it for that name. */
  readonly trusted: boolean;
}

export interface CommandContext {
  readonly globals: Globals;
  readonly format: Format;
  readonly terminal: SessionTerminal;
  readonly host: CliHost;
  readonly registry: OperationRegistry;
  readonly tree: CommandNode;
  readonly version: string;
  /** The client of the chosen connection; opened at the first call. @throws PvcError NOT_CONNECTED, CONNECTION_UNKNOWN … */
  readonly connect: () => Promise<ConnectedClient>;
  /** The connection that `connect` would use. */
  readonly connection: () => Promise<ConnectionOptions>;
  /** Asks a server for its certificate. */
  readonly certificateOf: (url: URL, signal: AbortSignal) => Promise<SeenCertificate>;
}
