/**
 * Addresses that go with the primary's role: its own, and nobody else's.
 *
 * The kernel is their last guard. They are set with a life time that ends before the primary's lease does and are renewed
 * while the lease goes on, so that a daemon that hangs or was stopped loses them all the same (`valid_lft`, ip-address(8)).
 * @module
 */
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { LeasedAddress } from '../plugin/runtime.ts';
import { Turns } from '../reconcile/turns.ts';

export interface LeaseOptions {
  /** What is to be set now. Asked at each renewal; an error is a trouble, and what is set runs out. */
  readonly wanted: () => Promise<readonly LeasedAddress[]>;
  /** Up to when the role is surely this node's, on the monotonic clock. */
  readonly leaseUntilMs: () => number;
  /** Where it is remembered what this node may have, for the next life of the daemon. */
  readonly record: string;
  /** Tells the neighbours where addresses are that were not here before; their entries for the last holder point into the void. */
  readonly announce: (news: readonly LeasedAddress[]) => Promise<void>;
  readonly trouble: (reason: string | undefined) => void;
}

const execTimeoutMs = 3_000;
export const renewEveryMs = 1_000;
/** The kernel may take a second longer (ADDR_CHECK_FREQ and its rounding, net/ipv4/devinet.c). */
const kernelSlackMs = 1_000;
/** An announcement may be lost where the way to a neighbour is not there yet: it is repeated at the next renewals. */
const announceTimes = 3;
const removeTries = 4;

const leased = z.strictObject({ device: z.string(), address: z.string() });
const recordSchema = z.array(leased);
const recordForm = /^addresses-[a-z-]+\.json$/;

/** Where the addresses of that name are remembered. */
export const recordOf = (directory: string, name: string): string => `${directory}/addresses-${name}.json`;

const links = z.array(
  z.looseObject({
    ifname: z.string().optional(),
    addr_info: z.array(z.looseObject({ local: z.string().optional(), prefixlen: z.int().optional() })).default([]),
  }),
);
export type AddressedLinks = z.infer<typeof links>;

export type IpHost = Pick<Host, 'clock' | 'files' | 'log' | 'processes'>;

const keyOf = ({ device, address }: LeasedAddress): string => `${address} ${device}`;

export class LeasedAddresses {
  readonly #host: IpHost;
  readonly #options: LeaseOptions;
  #renewing: AbortController | undefined;
  /** Whatever this node may have: told to the kernel, and not taken off again. */
  #known: readonly LeasedAddress[] = [];
  /** How often each of those that are set is to be announced yet. */
  readonly #announcing = new Map<string, number>();
  /** One `ip` after the other: an address that is dropped must not be set by a command that was late. */
  readonly #turns = new Turns();

  constructor(host: IpHost, options: LeaseOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** What was set at the last renewal. */
  get held(): readonly LeasedAddress[] {
    return this.#known.filter((one) => this.#announcing.has(keyOf(one)));
  }

  /** Sets them and keeps them until `drop`. Resolves once they are set; a failure is told as a trouble and tried again. */
  async take(): Promise<void> {
    this.#renewing?.abort();
    const renewing = new AbortController();
    this.#renewing = renewing;
    const { clock, log } = this.#host;
    await this.#renew(renewing.signal);
    void (async () => {
      while (!renewing.signal.aborted) {
        await clock.sleep(renewEveryMs, renewing.signal).catch(() => undefined);
        if (!renewing.signal.aborted) await this.#renew(renewing.signal);
      }
    })().catch((error: unknown) => log.error('keeping addresses ended', { reason: errorText(error) }));
  }

  /** What is wanted has changed: it is done now. Nothing, where they are not taken. */
  async refresh(): Promise<void> {
    const renewing = this.#renewing;
    if (renewing !== undefined) await this.#renew(renewing.signal);
  }

  /** Takes them off; not having them is fine. @throws Error when one is still there afterwards */
  async drop(): Promise<void> {
    this.#renewing?.abort();
    this.#renewing = undefined;
    await this.#turns.take(async () => {
      await removeAddresses(this.#host, this.#known);
      await this.#remember([]);
      this.#announcing.clear();
    });
    this.#options.trouble(undefined);
  }

  async #renew(signal: AbortSignal): Promise<void> {
    try {
      // Outside the turn: an answer that does not come must not keep anything from being dropped.
      const wanted = await this.#options.wanted();
      const { news, reason } = await this.#turns.take(() => this.#set(wanted, signal));
      if (news.length > 0)
        void this.#options
          .announce(news)
          .catch((error: unknown) =>
            this.#host.log.warn('the neighbours could not be told where addresses are', { reason: errorText(error) }),
          );
      if (!signal.aborted) this.#options.trouble(reason);
    } catch (error) {
      if (!signal.aborted) this.#options.trouble(errorText(error));
    }
  }

  /** @returns those that the neighbours are to be told of, and why others could not be set */
  async #set(
    wanted: readonly LeasedAddress[],
    signal: AbortSignal,
  ): Promise<{ readonly news: LeasedAddress[]; readonly reason?: string | undefined }> {
    if (signal.aborted) return { news: [] };
    const keys = new Set(wanted.map(keyOf));
    const gone = this.#known.filter((one) => !keys.has(keyOf(one)));
    if (gone.length > 0 || wanted.length !== this.#known.length) await this.#remember([...wanted, ...gone]);
    if (gone.length > 0) {
      await removeAddresses(this.#host, gone);
      for (const one of gone) this.#announcing.delete(keyOf(one));
      await this.#remember(wanted);
    }
    const { failed, reason } = await this.#tell(wanted, signal);
    const news: LeasedAddress[] = [];
    for (const [index, one] of wanted.entries()) {
      const times = this.#announcing.get(keyOf(one)) ?? announceTimes;
      if (failed === 'all' || failed.has(index)) this.#announcing.delete(keyOf(one));
      else {
        this.#announcing.set(keyOf(one), Math.max(0, times - 1));
        if (times > 0) news.push(one);
      }
    }
    return { news, reason };
  }

  /** Tells the kernel, as long as the lease is good for it. */
  async #tell(wanted: readonly LeasedAddress[], signal: AbortSignal): Promise<Told> {
    if (wanted.length === 0) return { failed: new Set() };
    let told = false;
    // The last look at the clock, when `ip` runs already: a daemon that was stopped in between must not set what belongs
    // to somebody else by now.
    const input = (): string => {
      const leftMs = this.#options.leaseUntilMs() - this.#host.clock.monotonicMs() - kernelSlackMs;
      const seconds = Math.floor(leftMs / 1000);
      if (signal.aborted || seconds < 1) return '';
      told = true;
      return wanted
        .map(({ device, address }) => {
          const nodad = address.includes(':') ? ' nodad' : '';
          return `addr replace ${address} dev ${device} valid_lft ${seconds} preferred_lft ${seconds}${nodad}\n`;
        })
        .join('');
    };
    const done = await this.#host.processes.exec(['ip', '-force', '-batch', '-'], { timeoutMs: execTimeoutMs, input });
    if (!told) return { failed: 'all' };
    return done.code === 0 ? { failed: new Set() } : readBatchErrors(done.stderr);
  }

  async #remember(known: readonly LeasedAddress[]): Promise<void> {
    this.#known = known;
    if (known.length === 0) await this.#host.files.remove(this.#options.record);
    else await this.#host.files.writeAtomic(this.#options.record, JSON.stringify(known), 0o600);
  }
}

/** What the kernel did not take, by its place. */
interface Told {
  readonly failed: ReadonlySet<number> | 'all';
  /** Of the first; undefined where nothing is wrong: a device that is away is a trouble of whoever keeps it. */
  readonly reason?: string | undefined;
}

/** What `ip -force -batch` says on standard error. Pure. */
export function readBatchErrors(stderr: string): Told {
  const failed = new Set<number>();
  const reasons: string[] = [];
  let said: string[] = [];
  for (const line of stderr.split('\n').filter((text) => text !== '')) {
    const [, number] = /^Command failed -:(\d+)$/.exec(line) ?? [];
    if (number === undefined) said.push(line);
    else {
      failed.add(Number(number) - 1);
      const reason = said.join(' ');
      if (!reason.startsWith('Cannot find device')) reasons.push(reason);
      said = [];
    }
  }
  if (failed.size === 0) return { failed: 'all', reason: `ip: ${said.join(' ') || 'no reason given'}` };
  return { failed, reason: reasons[0] };
}

/** At the start of a daemon: what an earlier life left behind is taken off before anything else. */
export async function dropLeftovers(host: IpHost, directory: string): Promise<void> {
  for (const name of (await host.files.list(directory)) ?? []) {
    if (!recordForm.test(name)) continue;
    const text = await host.files.readText(`${directory}/${name}`);
    if (text !== undefined) await removeAddresses(host, recordSchema.parse(JSON.parse(text)));
    await host.files.remove(`${directory}/${name}`);
  }
}

/** All addresses of this machine. */
export async function showAddresses(host: IpHost): Promise<AddressedLinks> {
  const done = await host.processes.exec(['ip', '-j', 'addr', 'show'], { timeoutMs: execTimeoutMs });
  if (done.code !== 0) throw new Error(`ip -j addr show: ${done.stderr.trim() || `exit ${done.code}`}`);
  return links.parse(JSON.parse(done.stdout));
}

async function removeAddresses(host: IpHost, addresses: readonly LeasedAddress[]): Promise<void> {
  if (addresses.length === 0) return;
  for (let tries = 1; ; tries += 1) {
    const shown = await showAddresses(host);
    const there = new Set(
      shown.flatMap(({ ifname = '', addr_info }) =>
        addr_info.map(({ local, prefixlen }) => keyOf({ device: ifname, address: `${local}/${prefixlen}` })),
      ),
    );
    const left = addresses.filter((one) => there.has(keyOf(one)));
    const [first] = left;
    if (first === undefined) return;
    if (tries >= removeTries) throw new Error(`${first.address} is still on ${first.device}`);
    const input = left.map(({ device, address }) => `addr del ${address} dev ${device}\n`).join('');
    const done = await host.processes.exec(['ip', '-force', '-batch', '-'], { timeoutMs: execTimeoutMs, input });
    // Life times may have ended this moment, devices gone: the next look tells.
    if (done.code !== 0) host.log.debug('addresses could not be taken off', { reason: done.stderr.trim() });
  }
}
