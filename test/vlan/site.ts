/**
 * The site's switch, and one host behind it in a VLAN: the other end of the machine's network card. QEMU sends each frame as
 * one datagram (`-netdev dgram`), so tags are seen as they are on the wire, which a kernel without 802.1Q would not show.
 * Frames: IEEE 802.1Q section 9.3 (tag), RFC 826 (ARP), RFC 792 (echo), RFC 2131 (DHCP).
 * @module
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const tagged = 0x8100;
const arp = 0x0806;
const ipv4 = 0x0800;
const broadcast = Buffer.alloc(6, 0xff);
const bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));
const dotted = (address: Buffer): string => [...address].join('.');

/** Of a frame, what stands after the tag, if there is one. */
interface Frame {
  readonly vlan: number | undefined;
  readonly to: Buffer;
  readonly from: Buffer;
  readonly type: number;
  readonly body: Buffer;
}

function readFrame(frame: Buffer): Frame {
  const type = frame.readUInt16BE(12);
  const at = type === tagged ? 16 : 12;
  return {
    vlan: type === tagged ? frame.readUInt16BE(14) & 0xfff : undefined,
    ...{ to: frame.subarray(0, 6), from: frame.subarray(6, 12) },
    ...{ type: frame.readUInt16BE(at), body: frame.subarray(at + 2) },
  };
}

function writeFrame({ vlan, to, from, type, body }: Frame): Buffer {
  const head = vlan === undefined ? [type] : [tagged, vlan, type];
  const words = Buffer.alloc(2 * head.length);
  for (const [at, word] of head.entries()) words.writeUInt16BE(word, 2 * at);
  const frame = Buffer.concat([to, from, words, body]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))]);
}

/** RFC 1071. */
function checksum(of: Buffer): number {
  let sum = 0;
  for (let at = 0; at < of.length; at += 2) sum += of[at]! * 256 + (of[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function writeIp(from: string, to: string, protocol: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, ...bytes(from), ...bytes(to)]);
  head.writeUInt16BE(head.length + payload.length, 2);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, payload]);
}

/** What a host asked for: who has the address, over which VLAN, and which answers came. */
export interface ArpAnswer {
  readonly vlan: number | undefined;
  readonly address: string;
}

export class Site implements AsyncDisposable {
  readonly address = '10.120.0.9';
  readonly #vlan: number;
  readonly #socket: Socket;
  readonly #mac = Buffer.from('02000000aa09', 'hex');
  #peer: number | undefined;
  /** Frames that came in, by their tag. */
  readonly seen = new Map<number | undefined, number>();
  readonly answers: ArpAnswer[] = [];
  echoes = 0;
  leases = 0;

  private constructor(vlan: number, socket: Socket) {
    this.#vlan = vlan;
    this.#socket = socket;
    socket.on('message', (message, { port }) => {
      this.#peer = port;
      this.#take(readFrame(message));
    });
  }

  /** On a port of loopback. */
  static async open(vlan: number): Promise<Site> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Site(vlan, socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Asks in a VLAN, or without a tag, who has an address. */
  askFor(address: string, vlan: number | undefined): void {
    this.#send(vlan, broadcast, arp, this.#arp(1, Buffer.alloc(6), address));
  }

  #arp(operation: number, to: Buffer, address: string): Buffer {
    const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
    return Buffer.concat([head, this.#mac, bytes(this.address), to, bytes(address)]);
  }

  #send(vlan: number | undefined, to: Buffer, type: number, body: Buffer): void {
    assert.ok(this.#peer !== undefined, 'the machine has sent nothing yet');
    this.#socket.send(writeFrame({ vlan, to, from: this.#mac, type, body }), this.#peer, '127.0.0.1');
  }

  #take({ vlan, from, type, body }: Frame): void {
    this.seen.set(vlan, (this.seen.get(vlan) ?? 0) + 1);
    if (type === arp && body.readUInt16BE(6) === 2 && dotted(body.subarray(24, 28)) === this.address)
      this.answers.push({ vlan, address: dotted(body.subarray(14, 18)) });
    if (vlan !== this.#vlan) return; // the host is in one VLAN only
    if (type === arp && body.readUInt16BE(6) === 1 && dotted(body.subarray(24, 28)) === this.address)
      this.#send(vlan, from, arp, this.#arp(2, from, dotted(body.subarray(14, 18))));
    if (type === ipv4) this.#takeIp(from, body);
  }

  #takeIp(from: Buffer, packet: Buffer): void {
    const payload = packet.subarray(4 * (packet[0]! & 0xf), packet.readUInt16BE(2));
    const sender = dotted(packet.subarray(12, 16));
    if (packet[9] === 1 && payload[0] === 8 && dotted(packet.subarray(16, 20)) === this.address) {
      const reply = Buffer.from(payload);
      reply[0] = 0;
      reply.writeUInt16BE(0, 2);
      reply.writeUInt16BE(checksum(reply), 2);
      this.echoes += 1;
      this.#send(this.#vlan, from, ipv4, writeIp(this.address, sender, 1, reply));
    }
    if (packet[9] === 17 && payload.readUInt16BE(2) === 67) this.#takeDhcp(from, payload.subarray(8));
  }

  /** Every asker gets 10.120.0.3. */
  #takeDhcp(from: Buffer, request: Buffer): void {
    const kind = request.indexOf(Buffer.from([53, 1]), 240);
    if (kind === -1) return;
    const discover = request[kind + 2] === 1;
    if (!discover) this.leases += 1;
    const reply = Buffer.alloc(240);
    request.copy(reply, 0, 0, 44); // with the transaction and the client's hardware address
    reply[0] = 2;
    bytes('10.120.0.3').copy(reply, 16);
    Buffer.from('63825363', 'hex').copy(reply, 236);
    const options = [
      53,
      1,
      discover ? 2 : 5,
      54,
      4,
      ...bytes(this.address),
      51,
      4,
      0,
      0,
      14,
      16,
      1,
      4,
      255,
      255,
      255,
      0,
    ];
    const body = Buffer.concat([reply, Buffer.from([...options, 255]), Buffer.alloc(40)]);
    const udp = Buffer.alloc(8);
    udp.writeUInt16BE(67, 0);
    udp.writeUInt16BE(68, 2);
    udp.writeUInt16BE(8 + body.length, 4);
    const packet = writeIp(this.address, '255.255.255.255', 17, Buffer.concat([udp, body]));
    this.#send(this.#vlan, from, ipv4, packet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
