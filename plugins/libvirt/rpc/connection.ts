/**
 * One connection to a libvirtd: opens it, calls procedures by name, passes events on, carries streams,
 * and ends with a reason that every pending call is told.
 * @module
 */
import type { Duplex } from 'node:stream';
import { errorText, type Host, PvcError } from '../../../core/plugin/api.ts';
import { CallLedger } from './calls.ts';
import { type Codec, decode, encode } from './codec.ts';
import { libvirtError } from './errors.ts';
import {
  encodeFrame,
  type Frame,
  FrameError,
  FrameReader,
  type FrameStatus,
  type FrameType,
  maxPayloadBytes,
  program,
  protocolVersion,
} from './frame.ts';
import { Keepalive } from './keepalive.ts';
import { type ArgsOf, type ProcedureName, procedures, type ResultOf, type StreamProcedureName } from './procedures.ts';
import { LibvirtStream } from './stream.ts';
import { XdrError } from './xdr.ts';

export type LibvirtTarget = { readonly path: string } | { readonly host: string; readonly port: number };

export interface LibvirtOptions {
  readonly target: LibvirtTarget;
  /** The driver behind the daemon: `qemu:///system`, or `test:///default` for tests. */
  readonly uri: 'qemu:///system' | 'test:///default';
  /** Silence after which libvirtd counts as hung; default 8 s, noticed within 10 s. */
  readonly keepaliveMs?: number;
  /** For calls that do not say otherwise; default 30 s, which is also how long libvirtd waits for a busy guest. */
  readonly callTimeoutMs?: number;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface StreamOptions extends CallOptions {
  /**
   * What happens when nobody reads the stream. `fail` (default): past 4 MiB it ends with LIBVIRT_STREAM_SLOW, since the protocol
   * cannot hold one stream back alone. `hold`: the whole connection is not read until the reader goes on; only for a connection of its own.
   */
  readonly whenSlow?: 'fail' | 'hold';
}

/** An event, or anything else that libvirtd sends without being asked. */
export type MessageListener = (procedure: number, payload: Uint8Array) => void;

/**
 * libvirtd reads no further message from a client that has `max_client_requests` (5 by default) calls
 * under way, not even a ping. Staying below it keeps the keepalive honest.
 */
const callWindow = 4;
const connectTimeoutMs = 5_000;
const closeTimeoutMs = 1_000;
const keepaliveProcedure = { ping: 1, pong: 2 } as const;
/** VIR_DRV_FEATURE_PROGRAM_KEEPALIVE: asking for it makes libvirtd ping us as well. Seen in what virsh sends. */
const keepaliveFeature = 10;
/** REMOTE_AUTH_*; libvirtd answers `none` to root on its unix socket even when polkit is configured. */
const authKinds: readonly string[] = ['none', 'sasl', 'polkit'];

export class LibvirtConnection {
  readonly target: string;
  readonly uri: string;
  /** Resolves when the connection has ended: with the reason, or with `undefined` after `close()`. Never rejects. */
  readonly closed: Promise<PvcError | undefined>;

  private readonly host: Pick<Host, 'clock' | 'log'>;
  private readonly socket: Duplex;
  private readonly callTimeoutMs: number;
  private readonly calls: CallLedger;
  private readonly keepalive: Keepalive;
  private readonly frames = new FrameReader();
  private readonly streams = new Map<number, LibvirtStream>();
  private readonly listeners = new Set<MessageListener>();
  /** We are closing it: libvirtd, once told, may close its end before we do. */
  private leaving = false;
  private over: { reason: PvcError | undefined } | undefined;
  private resolveClosed: (reason: PvcError | undefined) => void = () => undefined;

  private constructor(host: Pick<Host, 'clock' | 'log'>, socket: Duplex, options: LibvirtOptions) {
    this.host = host;
    this.socket = socket;
    this.target = targetText(options.target);
    this.uri = options.uri;
    this.callTimeoutMs = options.callTimeoutMs ?? 30_000;
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    this.calls = new CallLedger(host.clock, callWindow);
    const silenceMs = options.keepaliveMs ?? 8_000;
    this.keepalive = new Keepalive({
      clock: host.clock,
      silenceMs,
      ping: () => this.sendKeepalive(keepaliveProcedure.ping),
      dead: () => this.end(libvirtError('LIBVIRT_HUNG', { target: this.target, seconds: silenceMs / 1000 })),
    });
    socket.on('data', (chunk: Uint8Array) => this.receive(chunk));
    socket.on('error', (error) => this.lose(errorText(error)));
    socket.on('close', () => this.lose('libvirtd closed it or died'));
  }

  /** @throws PvcError CONNECT_FAILED, LIBVIRT_AUTH_NEEDED, LIBVIRT_HUNG, LIBVIRT_LOST, LIBVIRT_REFUSED */
  static async open(host: Pick<Host, 'net' | 'clock' | 'log'>, options: LibvirtOptions): Promise<LibvirtConnection> {
    const socket = await host.net.connect(options.target, connectTimeoutMs);
    const connection = new LibvirtConnection(host, socket, options);
    try {
      await connection.handshake();
      return connection;
    } catch (error) {
      connection.end(error instanceof PvcError ? error : undefined);
      throw error;
    }
  }

  private async handshake(): Promise<void> {
    const { types } = await this.call('authList', {});
    const kind = types[0] ?? 0;
    if (kind !== 0)
      throw libvirtError('LIBVIRT_AUTH_NEEDED', { target: this.target, kind: authKinds[kind] ?? String(kind) });
    await this.call('connectSupportsFeature', { feature: keepaliveFeature });
    await this.call('connectOpen', { name: this.uri, flags: 0 });
  }

  /**
   * Calls a procedure and resolves with its result.
   * @throws LibvirtError when libvirt refuses; LIBVIRT_OUTCOME_UNKNOWN when a call that changes something was sent and not answered;
   * LIBVIRT_SLOW, LIBVIRT_CANCELLED, LIBVIRT_BAD_ARGUMENT; LIBVIRT_LOST, LIBVIRT_HUNG or LIBVIRT_CLOSED when the connection has ended
   */
  async call<N extends ProcedureName>(name: N, args: ArgsOf<N>, options: CallOptions = {}): Promise<ResultOf<N>> {
    const payload = await this.run(name, args, options);
    try {
      return decode(procedures[name].result as Codec<ResultOf<N>>, payload);
    } catch (error) {
      throw libvirtError(
        'LIBVIRT_PROTOCOL',
        { target: this.target, reason: `the reply to ${name}: ${errorText(error)}` },
        { cause: error },
      );
    }
  }

  /** Calls a procedure that opens a stream and resolves with the stream. @throws as `call` */
  async openStream<N extends StreamProcedureName>(
    name: N,
    args: ArgsOf<N>,
    options: StreamOptions = {},
  ): Promise<Duplex> {
    let stream: LibvirtStream | undefined;
    const open = (serial: number): LibvirtStream => {
      const opened = new LibvirtStream({
        name,
        send: (status, payload, done) => this.send(name, 'stream', serial, status, payload, done),
        hold: options.whenSlow === 'hold' ? (held) => this.hold(held) : undefined,
        released: () => this.streams.delete(serial),
      });
      this.streams.set(serial, opened);
      return opened;
    };
    await this.run(name, args, options, {
      onReply: (serial) => {
        stream = open(serial);
      },
      // The caller has given up waiting: libvirtd must not keep the console occupied for nobody.
      onLateReply: (serial) => open(serial).destroy(),
    });
    return stream as LibvirtStream;
  }

  /** How many more calls libvirtd would take from this connection at once; the next one waits when it is 0. */
  get room(): number {
    return this.calls.room;
  }

  /** Registers for messages that are not replies; the returned function ends it. A listener must not throw. */
  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says good-bye to libvirtd (waiting a second at most) and ends the connection. Pending calls reject. */
  async close(): Promise<void> {
    if (this.over === undefined) {
      this.leaving = true;
      // Only a courtesy: libvirtd cleans up after a client that just leaves, so a failure changes nothing.
      if (this.room > 0) await this.call('connectClose', {}, { timeoutMs: closeTimeoutMs }).catch(() => undefined);
      this.end(undefined);
    }
    await this.closed;
  }

  /** Ends the connection at once, for a reason that was found elsewhere. Pending calls reject with it. */
  abandon(reason: PvcError): void {
    this.end(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async run<N extends ProcedureName>(
    name: N,
    args: ArgsOf<N>,
    options: CallOptions,
    hooks: { onReply?: (serial: number) => void; onLateReply?: (serial: number) => void } = {},
  ): Promise<Uint8Array> {
    const { effect } = procedures[name];
    let payload: Uint8Array;
    try {
      payload = encode(procedures[name].args as Codec<ArgsOf<N>>, args);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      throw libvirtError('LIBVIRT_BAD_ARGUMENT', { procedure: name, reason: error.message }, { cause: error });
    }
    if (payload.length > maxPayloadBytes) {
      throw libvirtError('LIBVIRT_BAD_ARGUMENT', {
        procedure: name,
        reason: `${payload.length} bytes are more than one message carries`,
      });
    }
    const send = (serial: number): void => this.send(name, 'call', serial, 'ok', payload);
    return this.calls.run({
      name,
      effect,
      timeoutMs: options.timeoutMs ?? this.callTimeoutMs,
      signal: options.signal,
      send,
      ...hooks,
    });
  }

  private send(
    name: ProcedureName,
    type: FrameType,
    serial: number,
    status: FrameStatus,
    payload: Uint8Array,
    done?: (error?: Error | null) => void,
  ): void {
    const { program: programNumber, number } = procedures[name];
    this.write(
      { program: programNumber, version: protocolVersion, procedure: number, type, serial, status, payload },
      done,
    );
  }

  private sendKeepalive(procedure: number): void {
    this.write({
      program: program.keepalive,
      version: protocolVersion,
      procedure,
      type: 'message',
      serial: 0,
      status: 'ok',
      payload: new Uint8Array(0),
    });
  }

  private write(frame: Frame, done?: (error?: Error | null) => void): void {
    if (this.over !== undefined) return;
    this.socket.write(encodeFrame(frame), done);
  }

  private receive(chunk: Uint8Array): void {
    if (this.over !== undefined) return;
    this.keepalive.heard();
    try {
      this.frames.push(chunk, (frame) => this.dispatch(frame));
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof XdrError)) throw error;
      this.end(libvirtError('LIBVIRT_PROTOCOL', { target: this.target, reason: error.message }, { cause: error }));
    }
  }

  private dispatch(frame: Frame): void {
    if (this.over !== undefined) return;
    if (frame.version !== protocolVersion) throw new FrameError(`unknown protocol version ${frame.version}`);
    if (frame.program === program.keepalive) {
      if (frame.procedure === keepaliveProcedure.ping) this.sendKeepalive(keepaliveProcedure.pong);
      return;
    }
    if (frame.program !== program.remote && frame.program !== program.qemu) {
      throw new FrameError(`unknown program 0x${frame.program.toString(16)}`);
    }
    switch (frame.type) {
      case 'reply':
        if (!this.calls.settle(frame)) throw new FrameError(`a reply to call ${frame.serial}, which was never made`);
        return;
      case 'message':
        if (frame.program === program.remote)
          for (const listener of this.listeners) listener(frame.procedure, frame.payload);
        return;
      case 'stream':
        // Data may still be on its way when a stream has ended; libvirt's own client drops them too.
        this.streams.get(frame.serial)?.receive(frame);
        return;
      case 'call':
        throw new FrameError('libvirtd made a call, which only clients do');
    }
  }

  private hold(held: boolean): void {
    this.keepalive.pause(held);
    if (held) this.socket.pause();
    else this.socket.resume();
  }

  private lose(reason: string): void {
    this.end(this.leaving ? undefined : libvirtError('LIBVIRT_LOST', { target: this.target, reason }));
  }

  private end(reason: PvcError | undefined): void {
    if (this.over !== undefined) return;
    this.over = { reason };
    this.keepalive.stop();
    const told = reason ?? libvirtError('LIBVIRT_CLOSED', { target: this.target });
    if (reason !== undefined) this.host.log.warn(reason.message, { code: reason.code });
    this.calls.fail(told);
    for (const stream of this.streams.values()) stream.lost(told);
    this.listeners.clear();
    this.socket.destroy();
    this.resolveClosed(reason);
  }
}

/** Connects to a libvirtd and opens a driver on it. @throws as `LibvirtConnection.open` */
export function openLibvirt(
  host: Pick<Host, 'net' | 'clock' | 'log'>,
  options: LibvirtOptions,
): Promise<LibvirtConnection> {
  return LibvirtConnection.open(host, options);
}

const targetText = (target: LibvirtTarget): string =>
  'path' in target ? target.path : `${target.host}:${target.port}`;
