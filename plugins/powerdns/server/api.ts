/** PowerDNS's own HTTP API, on this node's loopback. @module */
import { request } from 'node:http';
import { type Host, z } from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import type { ApiCall } from '../zone/zone-calls.ts';
import { zonePath } from '../zone/zone-calls.ts';
import type { RecordSet } from '../zone/zones.ts';
import { localApi } from './pdns-conf.ts';

const connectMs = 2_000;
const answerMs = 20_000;
const server = '/api/v1/servers/localhost';
/** The largest answer that is read, bytes: a zone of some hundred thousand records. */
const mostBytes = 64 * 2 ** 20;

const zoneList = z.array(z.looseObject({ name: z.string(), serial: z.int() }));
const zoneDetail = z.looseObject({
  dnssec: z.boolean(),
  api_rectify: z.boolean(),
  rrsets: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      ttl: z.int(),
      records: z.array(z.looseObject({ content: z.string() })),
    }),
  ),
});
/** Private halves are not in it. */
const keyList = z.array(
  z.looseObject({ id: z.int(), active: z.boolean(), published: z.boolean(), dnskey: z.string() }),
);
const statistics = z.array(z.looseObject({ name: z.string(), value: z.unknown() }));

/** A zone that PowerDNS has. */
export interface HeldZone {
  /** Without the dot at its end. */
  readonly name: string;
  readonly serial: number;
}

/** A key that PowerDNS has. */
export interface HeldKey {
  /** PowerDNS's own. */
  readonly id: number;
  /** What its DNSKEY record holds. */
  readonly dnskey: string;
  /** Whether it signs, and is told. */
  readonly used: boolean;
}

export interface HeldContents {
  readonly sets: readonly RecordSet[];
  readonly keys: readonly HeldKey[];
  /** Whether PowerDNS puts the names in order with each change while the zone is signed, as proofs of absence need it. */
  readonly keptInOrder: boolean;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

export class PdnsApi {
  readonly #host: Pick<Host, 'net' | 'clock'>;
  readonly #key: () => Promise<string | undefined>;

  /** @param key of the API, as it is now; undefined: there is none yet */
  constructor(host: Pick<Host, 'net' | 'clock'>, key: () => Promise<string | undefined>) {
    this.#host = host;
    this.#key = key;
  }

  /** @throws PvcError PDNS_SILENT, PDNS_REFUSED */
  async zones(): Promise<HeldZone[]> {
    const held = zoneList.parse(await this.#ask('GET', '/zones?dnssec=false'));
    return held.map(({ name, serial }) => ({ name: name.replace(/\.$/, ''), serial }));
  }

  /** Its records, and keys. @throws PvcError PDNS_SILENT, PDNS_REFUSED */
  async zone(name: string): Promise<HeldContents> {
    const { rrsets, dnssec, api_rectify: keptInOrder } = zoneDetail.parse(await this.#ask('GET', zonePath(name)));
    const sets = rrsets.map((set) => ({
      name: set.name,
      type: set.type,
      ttl: set.ttl,
      contents: set.records.map(({ content }) => content),
    }));
    return { sets, keys: dnssec ? await this.#keys(name) : [], keptInOrder };
  }

  async #keys(zone: string): Promise<HeldKey[]> {
    const held = keyList.parse(await this.#ask('GET', `${zonePath(zone)}/cryptokeys`));
    return held.map(({ id, dnskey, active, published }) => ({ id, dnskey, used: active && published }));
  }

  /** @throws PvcError PDNS_SILENT, PDNS_REFUSED */
  async call({ method, path, body }: ApiCall): Promise<void> {
    await this.#ask(method, path, body);
  }

  /** Counters of PowerDNS since its start, by their names. @throws PvcError PDNS_SILENT, PDNS_REFUSED */
  async counters(): Promise<ReadonlyMap<string, number>> {
    const all = statistics.parse(await this.#ask('GET', '/statistics'));
    return new Map(all.map(({ name, value }) => [name, Number(value)]));
  }

  /** Whether it answers, and takes the key. Never throws. */
  async answers(): Promise<boolean> {
    try {
      await this.#ask('GET', '');
      return true;
    } catch {
      // Not there, not ready, another key: it does not answer to us.
      return false;
    }
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const key = await this.#key();
    if (key === undefined) throw pdnsError('PDNS_SILENT', { reason: 'its configuration is not written yet' });
    const { status, text } = await this.#exchange(method, `${server}${path}`, key, body);
    if (status >= 400) throw pdnsError('PDNS_REFUSED', { what: `${method} ${path}`, reason: reasonIn(text, status) });
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw pdnsError('PDNS_SILENT', { reason: 'half an answer' }, { cause: error });
    }
  }

  async #exchange(method: string, path: string, key: string, body: unknown): Promise<Answer> {
    const { clock, net } = this.#host;
    const stream = await net.connect(localApi, connectMs).catch((error: unknown) => {
      throw pdnsError('PDNS_SILENT', { reason: 'nobody listens' }, { cause: error });
    });
    const deadline = new AbortController();
    const late = clock.sleep(answerMs, deadline.signal).then(
      () => void stream.destroy(new Error(`no answer within ${answerMs / 1000} s`)),
      () => undefined,
    );
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const asked = request({
          ...{ method, path, createConnection: () => stream },
          headers: {
            ...{ host: 'localhost', 'x-api-key': key, connection: 'close' },
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          },
        });
        asked.on('error', reject);
        asked.on('response', (response) => {
          const pieces: Buffer[] = [];
          let bytes = 0;
          response.on('data', (piece: Buffer) => {
            bytes += piece.length;
            if (bytes > mostBytes) response.destroy(new Error('its answer has no end'));
            else pieces.push(piece);
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 500, text: Buffer.concat(pieces).toString('utf8') }),
          );
          response.on('close', () => reject(new Error('half an answer')));
        });
        asked.end(text);
      });
    } catch (error) {
      throw pdnsError(
        'PDNS_SILENT',
        { reason: error instanceof Error ? error.message : 'no answer' },
        { cause: error },
      );
    } finally {
      deadline.abort();
      await late;
      stream.destroy();
    }
  }
}

const refusal = z.object({ error: z.string() });

/** What PowerDNS says is wrong. */
function reasonIn(text: string, status: number): string {
  try {
    return refusal.parse(JSON.parse(text)).error;
  } catch {
    // Where its answer is no JSON, the status is all there is.
    return `HTTP status ${status}`;
  }
}
