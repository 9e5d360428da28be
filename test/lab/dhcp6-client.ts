/**
 * A DHCPv6 client (RFC 8415) of a few lines, for what the small guest has none: asks on a device for one address, or for
 * more time for one that it has, and prints what it was given as JSON. Started by its path in a network namespace:
 * `dhcp6-client.ts DEVICE DUID [ADDRESS SERVER]`.
 * @module
 */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

export interface Dhcp6Answer {
  readonly address: string;
  /** The server's DUID. */
  readonly server: string;
  readonly validS: number;
  readonly dns: readonly string[];
}

/** RFC 8415, sections 7.3 and 21. */
const type = { solicit: 1, advertise: 2, request: 3, renew: 5, reply: 7 } as const;
const option = { client: 1, server: 2, ia: 3, address: 5, wanted: 6, elapsed: 8, dns: 23 } as const;
const ports = { client: 546, server: 547 } as const;
const servers = 'ff02::1:2';
const iaid = 1;
const retryMs = 1_000;
const giveUpMs = 60_000;

const field = (code: number, data: Uint8Array): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
};

const octets = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const bytesOf = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());
const addressOf = (bytes: Buffer): string => (ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6).toRFC5952String();

function message(kind: number, transaction: number, duid: string, known?: { address: string; server: string }): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(kind * 2 ** 24 + transaction);
  const association = Buffer.alloc(12);
  association.writeUInt32BE(iaid, 0);
  const its =
    known === undefined ? [] : [field(option.address, Buffer.concat([bytesOf(known.address), Buffer.alloc(8)]))];
  return Buffer.concat([
    head,
    field(option.client, octets(duid)),
    ...(known === undefined ? [] : [field(option.server, octets(known.server))]),
    field(option.ia, Buffer.concat([association, ...its])),
    field(option.wanted, Buffer.from([0, option.dns])),
    field(option.elapsed, Buffer.alloc(2)),
  ]);
}

function fieldsOf(data: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= data.length; at += 4 + data.readUInt16BE(at + 2))
    found.set(data.readUInt16BE(at), data.subarray(at + 4, at + 4 + data.readUInt16BE(at + 2)));
  return found;
}

/** Undefined for an answer without an address. */
function read(data: Buffer): Dhcp6Answer | undefined {
  const fields = fieldsOf(data.subarray(4));
  const server = fields.get(option.server);
  const given = fieldsOf(fields.get(option.ia)?.subarray(12) ?? Buffer.alloc(0)).get(option.address);
  const dns = fields.get(option.dns) ?? Buffer.alloc(0);
  if (server === undefined || given === undefined) return undefined;
  return {
    address: addressOf(given.subarray(0, 16)),
    server: (server.toString('hex').match(/../g) ?? []).join(':'),
    validS: given.readUInt32BE(20),
    dns: Array.from({ length: dns.length / 16 }, (_, index) => addressOf(dns.subarray(16 * index, 16 * index + 16))),
  };
}

async function main(device = '', duid = '', address?: string, server?: string): Promise<Dhcp6Answer> {
  const own = networkInterfaces()[device]?.find((one) => one.address.startsWith('fe80:'));
  if (own === undefined) throw new Error(`${device} has no link-local address`);
  const socket = createSocket('udp6');
  await new Promise<void>((resolve) =>
    socket.bind({ address: `${own.address}%${device}`, port: ports.client }, resolve),
  );
  const untilMs = Date.now() + giveUpMs;

  /** Sends until the answer to it comes. */
  function exchange(kind: number, answer: number, known?: { address: string; server: string }): Promise<Dhcp6Answer> {
    const transaction = Math.floor(Math.random() * 2 ** 24);
    const sent = message(kind, transaction, duid, known);
    return new Promise((resolve, reject) => {
      const send = (): void => {
        if (Date.now() > untilMs) reject(new Error('no answer'));
        else socket.send(sent, ports.server, `${servers}%${device}`);
      };
      const timer = setInterval(send, retryMs);
      socket.on('message', (data) => {
        if (data.readUInt32BE(0) !== answer * 2 ** 24 + transaction) return;
        const got = read(data);
        if (got === undefined) return;
        clearInterval(timer);
        resolve(got);
      });
      send();
    });
  }

  try {
    if (address !== undefined && server !== undefined)
      return await exchange(type.renew, type.reply, { address, server });
    return await exchange(type.request, type.reply, await exchange(type.solicit, type.advertise));
  } finally {
    socket.close();
  }
}

main(...process.argv.slice(2)).then(
  (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
