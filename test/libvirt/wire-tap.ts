/**
 * A relay between virsh and libvirtd that reads along: what libvirt's own client sends and gets must
 * be exactly what our procedure table says, to the byte.
 * @module
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Codec, decode, encode } from '../../plugins/libvirt/rpc/codec.ts';
import { type Frame, FrameReader, program } from '../../plugins/libvirt/rpc/frame.ts';
import { errorNames, nameOf } from '../../plugins/libvirt/rpc/names.ts';
import { type Procedure, type ProcedureName, procedures } from '../../plugins/libvirt/rpc/procedures.ts';
import { errorReply } from '../../plugins/libvirt/rpc/wire.ts';

/** What was seen of one procedure: how often it was answered, and the names of the errors it was refused with. */
export interface Sighting {
  answered: number;
  readonly refused: Set<string>;
}

const byNumber = new Map(
  (Object.keys(procedures) as ProcedureName[]).map(
    (name) => [`${procedures[name].program}/${procedures[name].number}`, name] as const,
  ),
);

export class WireTap implements AsyncDisposable {
  readonly path: string;
  readonly seen = new Map<ProcedureName, Sighting>();
  /** Disagreements between the table and the wire; a test asserts that there are none. */
  readonly faults: string[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(path: string, daemonPath: string) {
    this.path = path;
    this.server = createServer((client) => {
      const daemon = connect({ path: daemonPath });
      const pending = new Map<number, ProcedureName>();
      this.relay(client, daemon, (frame) => this.call(frame, pending));
      this.relay(daemon, client, (frame) => this.reply(frame, pending));
    });
  }

  static async listen(path: string, daemonPath: string): Promise<WireTap> {
    const tap = new WireTap(path, daemonPath);
    await new Promise<void>((resolve) => tap.server.listen(path, resolve));
    return tap;
  }

  /** Notes a call that a test made itself. */
  note(name: ProcedureName, refusal?: string): void {
    const sighting = this.seen.get(name) ?? { answered: 0, refused: new Set<string>() };
    this.seen.set(name, sighting);
    if (refusal === undefined) sighting.answered++;
    else sighting.refused.add(refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private relay(from: Socket, to: Socket, look: (frame: Frame) => void): void {
    const frames = new FrameReader();
    this.sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      to.write(chunk);
      frames.push(chunk, look);
    });
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    from.on('error', () => to.destroy());
  }

  private call(frame: Frame, pending: Map<number, ProcedureName>): void {
    const name = byNumber.get(`${frame.program}/${frame.procedure}`);
    if (frame.type !== 'call' || frame.program === program.keepalive || name === undefined) return;
    pending.set(frame.serial, name);
    const { args }: Procedure<unknown, unknown> = procedures[name];
    this.compare(`arguments of ${name}`, args, frame.payload);
  }

  private reply(frame: Frame, pending: Map<number, ProcedureName>): void {
    const name = frame.type === 'reply' ? pending.get(frame.serial) : undefined;
    if (name === undefined) return;
    if (frame.status === 'error') {
      const error = this.compare(`error of ${name}`, errorReply, frame.payload);
      this.note(name, nameOf(errorNames, error?.code ?? 0));
    } else {
      const { result }: Procedure<unknown, unknown> = procedures[name];
      this.compare(`result of ${name}`, result, frame.payload);
      this.note(name);
    }
  }

  /** Reads strictly and writes again: the bytes must come out as they went in. */
  private compare<T>(what: string, codec: Codec<T>, payload: Uint8Array): T | undefined {
    try {
      const value = decode(codec, payload);
      const again = encode(codec, value);
      if (Buffer.compare(again, payload) !== 0) this.faults.push(`${what}: written again it differs`);
      return value;
    } catch (error) {
      this.faults.push(`${what}: ${String(error)}`);
      return undefined;
    }
  }
}
