/**
 * The other end of a connection, played by a test: it sees each message that the client sends and
 * answers what the test wants, be it nonsense.
 * @module
 */
import { Duplex } from 'node:stream';
import type { Host } from '../../core/host/host.ts';
import { VirtualClock } from '../../core/host/virtual-clock.ts';
import { type Codec, encode } from '../../plugins/libvirt/rpc/codec.ts';
import { encodeFrame, type Frame, FrameReader, program } from '../../plugins/libvirt/rpc/frame.ts';
import { type ProcedureName, procedures, type ResultOf } from '../../plugins/libvirt/rpc/procedures.ts';
import { type ErrorReply, errorReply } from '../../plugins/libvirt/rpc/wire.ts';
import { keptLog } from './real-host.ts';

const procedureName = (frame: Frame): ProcedureName | undefined =>
  (Object.keys(procedures) as ProcedureName[]).find(
    (name) => procedures[name].number === frame.procedure && procedures[name].program === frame.program,
  );

export class FakeDaemon {
  readonly clock = new VirtualClock();
  readonly host: Pick<Host, 'net' | 'clock' | 'log'>;
  /** What the client has logged. */
  readonly logged: string[] = [];
  /** Everything that the client has sent, but the messages of the handshake that were answered. */
  readonly received: Frame[] = [];
  /** What the client reads from. */
  readonly socket: Duplex;
  /** Answers to calls, by name; what is not here stays unanswered. The handshake is, unless a test takes it out. */
  readonly answers = new Map<ProcedureName, (frame: Frame) => void>();
  private readonly frames = new FrameReader();

  constructor() {
    this.socket = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        this.frames.push(chunk, (frame) => this.take(frame));
        done();
      },
    });
    this.host = { log: keptLog(this.logged), clock: this.clock, net: { connect: () => Promise.resolve(this.socket) } };
    this.answers.set('authList', (frame) => this.reply(frame, 'authList', { types: [0] }));
    this.answers.set('connectSupportsFeature', (frame) =>
      this.reply(frame, 'connectSupportsFeature', { supported: true }),
    );
    this.answers.set('connectOpen', (frame) => this.reply(frame, 'connectOpen', {}));
    this.answers.set('connectClose', (frame) => this.reply(frame, 'connectClose', {}));
  }

  /** Names of the calls received. */
  get calls(): (ProcedureName | undefined)[] {
    return this.received.filter((frame) => frame.type === 'call').map(procedureName);
  }

  send(frame: Partial<Frame>): void {
    this.sendBytes(
      encodeFrame({
        program: program.remote,
        version: 1,
        procedure: 1,
        type: 'reply',
        serial: 0,
        status: 'ok',
        payload: new Uint8Array(0),
        ...frame,
      }),
    );
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.push(bytes);
  }

  reply<N extends ProcedureName>(to: Frame, name: N, result: ResultOf<N>): void {
    this.send({ ...to, type: 'reply', payload: encode(procedures[name].result as Codec<ResultOf<N>>, result) });
  }

  refuse(to: Frame, error: { readonly code: number; readonly message: string }): void {
    this.send({ ...to, type: 'reply', status: 'error', payload: errorPayload(error) });
  }

  private take(frame: Frame): void {
    const answer = frame.type === 'call' ? this.answers.get(procedureName(frame) as ProcedureName) : undefined;
    if (answer === undefined) this.received.push(frame);
    else answer(frame);
  }
}

/** The body of an error message. */
export function errorPayload(error: { readonly code: number; readonly message: string }): Uint8Array {
  const none = {
    object: undefined,
    str1: undefined,
    str2: undefined,
    str3: undefined,
    int1: 0,
    int2: 0,
    network: undefined,
  };
  return encode<ErrorReply>(errorReply, { domain: 10, level: 2, ...none, ...error });
}

/** Lets everything that is ready happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
