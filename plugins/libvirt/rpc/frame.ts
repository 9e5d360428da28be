/**
 * Messages of libvirt's RPC: a length word that counts itself, a header of six words, the payload.
 * Facts: libvirt's protocol description (https://libvirt.org/kbase/internals/rpc.html); the maxima are
 * those that libvirt 9.0 was seen to enforce.
 * @module
 */

/** libvirt refuses a message whose header and payload are larger than this, and so do we. */
export const maxMessageBytes = 33_554_432;

const lengthBytes = 4;
const headerBytes = 24;

/** Largest payload that fits into a message. */
export const maxPayloadBytes = maxMessageBytes - headerBytes;

/** The programs that share one connection. */
export const program = { remote: 0x2000_8086, qemu: 0x2000_8087, keepalive: 0x6b65_6570 } as const;
export const protocolVersion = 1;

export type FrameType = 'call' | 'reply' | 'message' | 'stream';
export type FrameStatus = 'ok' | 'error' | 'continue';

const types: readonly FrameType[] = ['call', 'reply', 'message', 'stream'];
const statuses: readonly FrameStatus[] = ['ok', 'error', 'continue'];

export interface Frame {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: FrameType;
  /** Chosen by the caller and repeated in the reply and in the stream's data; 0 for events. */
  readonly serial: number;
  readonly status: FrameStatus;
  readonly payload: Uint8Array;
}

/** Bytes that cannot be a message. The connection they came on is of no use any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** The bytes of one message. @throws FrameError when the payload is too large */
export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.payload.length > maxPayloadBytes) {
    throw new FrameError(
      `a message of ${frame.payload.length} bytes is larger than libvirt accepts (${maxPayloadBytes})`,
    );
  }
  const length = lengthBytes + headerBytes + frame.payload.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(4, frame.program);
  view.setUint32(8, frame.version);
  view.setInt32(12, frame.procedure);
  view.setInt32(16, types.indexOf(frame.type));
  view.setUint32(20, frame.serial);
  view.setInt32(24, statuses.indexOf(frame.status));
  bytes.set(frame.payload, lengthBytes + headerBytes);
  return bytes;
}

/** `bytes` is the message without its length word. */
function decodeFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = types[view.getInt32(12)];
  const status = statuses[view.getInt32(20)];
  if (type === undefined) throw new FrameError(`unknown message type ${view.getInt32(12)}`);
  if (status === undefined) throw new FrameError(`unknown message status ${view.getInt32(20)}`);
  return {
    program: view.getUint32(0),
    version: view.getUint32(4),
    procedure: view.getInt32(8),
    type,
    serial: view.getUint32(16),
    status,
    payload: bytes.subarray(headerBytes),
  };
}

/**
 * Cuts a byte stream, in whatever pieces it arrives, into messages. Memory grows with what has really
 * arrived, never with what a length word announces.
 */
export class FrameReader {
  private chunks: Uint8Array[] = [];
  private buffered = 0;
  private failure: FrameError | undefined;

  /** Bytes of a message that is not complete yet. */
  get pendingBytes(): number {
    return this.buffered;
  }

  /**
   * Hands over each message that `chunk` completes, in order. Payloads may share memory with the chunk.
   * @throws FrameError, at this call and at all later ones; messages before the bad one have been delivered
   */
  push(chunk: Uint8Array, deliver: (frame: Frame) => void): void {
    if (this.failure !== undefined) throw this.failure;
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    for (let frame = this.next(); frame !== undefined; frame = this.next()) deliver(frame);
  }

  private next(): Frame | undefined {
    try {
      const bytes = this.takeMessage();
      return bytes === undefined ? undefined : decodeFrame(bytes);
    } catch (error) {
      if (error instanceof FrameError) this.failure = error;
      throw error;
    }
  }

  private takeMessage(): Uint8Array | undefined {
    if (this.buffered < lengthBytes) return undefined;
    const head = this.peekLength();
    if (head < lengthBytes + headerBytes)
      throw new FrameError(`a message of ${head} bytes is shorter than its own header`);
    if (head > lengthBytes + maxMessageBytes)
      throw new FrameError(`a message of ${head} bytes was announced; the maximum is ${lengthBytes + maxMessageBytes}`);
    if (this.buffered < head) return undefined;
    const whole = this.join();
    this.chunks = whole.length > head ? [whole.subarray(head)] : [];
    this.buffered = whole.length - head;
    return whole.subarray(lengthBytes, head);
  }

  private peekLength(): number {
    let first = this.chunks[0] as Uint8Array;
    if (first.length < lengthBytes) first = this.join();
    return new DataView(first.buffer, first.byteOffset, first.byteLength).getUint32(0);
  }

  private join(): Uint8Array {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] as Uint8Array;
  }
}
