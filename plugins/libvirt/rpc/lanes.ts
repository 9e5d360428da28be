/**
 * The connections of one driver. A call on a guest whose QEMU hangs can stay unanswered for ever, and
 * libvirtd takes only a few calls from one connection: when the main one is full, further calls get
 * one of their own, so that hung guests never stand in the way of the others.
 * @module
 */

import type { Duplex } from 'node:stream';
import { finished } from 'node:stream';
import { errorText, type Host } from '../../../core/plugin/api.ts';
import {
  type CallOptions,
  type LibvirtConnection,
  type LibvirtOptions,
  openLibvirt,
  type StreamOptions,
} from './connection.ts';
import type { ArgsOf, ProcedureName, ResultOf, StreamProcedureName } from './procedures.ts';

type LibvirtHost = Pick<Host, 'net' | 'clock' | 'log'>;

/** libvirtd runs 20 ordinary calls at a time (`max_workers`); more connections than that would wait there instead of here. */
const maxExtra = 20;

export class Lanes {
  readonly main: LibvirtConnection;
  private readonly host: LibvirtHost;
  private readonly options: LibvirtOptions;
  private readonly extra = new Set<LibvirtConnection>();
  private opening = 0;
  private closing = false;

  constructor(host: LibvirtHost, options: LibvirtOptions, main: LibvirtConnection) {
    this.host = host;
    this.options = options;
    this.main = main;
    // One daemon, one fate: when the main connection ends, whoever uses the driver opens a new one.
    void main.closed.then((reason) => {
      if (reason === undefined) return this.closeExtra();
      // Not closed as if nobody were on them: whoever waits there learns why.
      for (const connection of this.extra) connection.abandon(reason);
    });
  }

  /** As `LibvirtConnection.call`, on the main connection while it has room. */
  async call<N extends ProcedureName>(name: N, args: ArgsOf<N>, options: CallOptions = {}): Promise<ResultOf<N>> {
    if (this.main.room > 0 || this.extra.size + this.opening >= maxExtra) return this.main.call(name, args, options);
    return this.alone((connection) => connection.call(name, args, options));
  }

  /** Runs `use` on a connection of its own, for calls that may take long. */
  async alone<T>(use: (connection: LibvirtConnection) => Promise<T>): Promise<T> {
    const connection = await this.open();
    try {
      return await use(connection);
    } finally {
      await this.release(connection);
    }
  }

  /** A stream on a connection of its own, which ends with it: so a slow reader holds up nothing else. */
  async stream<N extends StreamProcedureName>(name: N, args: ArgsOf<N>, options: StreamOptions = {}): Promise<Duplex> {
    const connection = await this.open();
    try {
      const stream = await connection.openStream(name, args, { ...options, whenSlow: 'hold' });
      finished(stream, () => {
        this.release(connection).catch((error: unknown) =>
          this.host.log.warn('libvirt connection not closed', { reason: errorText(error) }),
        );
      });
      return stream;
    } catch (error) {
      await this.release(connection);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([this.main.close(), this.closeExtra()]);
  }

  private async open(): Promise<LibvirtConnection> {
    this.opening++;
    try {
      const connection = await openLibvirt(this.host, this.options);
      this.extra.add(connection);
      if (this.closing) await this.release(connection);
      return connection;
    } finally {
      this.opening--;
    }
  }

  private async release(connection: LibvirtConnection): Promise<void> {
    this.extra.delete(connection);
    await connection.close();
  }

  private async closeExtra(): Promise<void> {
    await Promise.all([...this.extra].map((connection) => this.release(connection)));
  }
}
