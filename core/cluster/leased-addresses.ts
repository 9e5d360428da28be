/**
 * Addresses that go with the primary's role: its own, and nobody else's.
 *
 * The kernel is their last guard: what it is told holds for a time that ends before the primary's lease does, and is told
 * anew while the lease goes on, so that a daemon that hangs or was stopped loses them all the same. How: address-keeper.ts.
 * @module
 */
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { LeasedAddress, Muzzle } from '../plugin/runtime.ts';
import { Turns } from '../reconcile/turns.ts';
import { type AddressKeeper, LifeTimes, Muzzled, removeTables } from './address-keeper.ts';
import { type IpHost, keyOf, removeAddresses } from './ip-addresses.ts';

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
  /** What makes them silent in place of a life time of each. */
  readonly muzzle?: Muzzle | undefined;
}

export const renewEveryMs = 1_000;
/** The kernel may take a second longer (ADDR_CHECK_FREQ and its rounding, net/ipv4/devinet.c). */
const kernelSlackMs = 1_000;
/** An announcement may be lost where the way to a neighbour is not there yet: it is repeated at the next renewals. */
const announceTimes = 3;

const leased = z.array(z.strictObject({ device: z.string(), address: z.string() }));
const recordSchema = z.union([
  z.strictObject({ addresses: leased, tables: z.array(z.string().regex(/^[a-z0-9]+ [a-z_]+$/)) }),
  // As a version before muzzles wrote it.
  leased.transform((addresses) => ({ addresses, tables: [] })),
]);
const recordForm = /^addresses-[a-z-]+\.json$/;

/** Where the addresses of that name are remembered. */
export const recordOf = (directory: string, name: string): string => `${directory}/addresses-${name}.json`;

export class LeasedAddresses {
  readonly #host: IpHost;
  readonly #options: LeaseOptions;
  readonly #keeper: AddressKeeper;
  #renewing: AbortController | undefined;
  #ending: AbortController | undefined;
  /** Whatever this node may have: told to the kernel, and not taken off again. */
  #known: readonly LeasedAddress[] = [];
  /** What the record says, where that is known. */
  #recorded: string | undefined;
  /** How often each of those that are set is to be announced yet. */
  readonly #announcing = new Map<string, number>();
  /** One `ip` after the other: an address that is dropped must not be set by a command that was late. */
  readonly #turns = new Turns();

  constructor(host: IpHost, options: LeaseOptions) {
    this.#host = host;
    this.#options = options;
    this.#keeper = options.muzzle === undefined ? new LifeTimes(host) : new Muzzled(host, options.muzzle);
  }

  /** What was set at the last renewal. */
  get held(): readonly LeasedAddress[] {
    return this.#known.filter((one) => this.#announcing.has(keyOf(one)));
  }

  /** Sets them and keeps them until `drop`. Resolves once they are set; a failure is told as a trouble and tried again. */
  async take(): Promise<void> {
    this.#renewing?.abort();
    this.#ending?.abort();
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
    const ended = await this.#turns.take(async () => {
      await removeAddresses(this.#host, this.#known);
      this.#announcing.clear();
      return this.#end();
    });
    if (!ended) this.#endLater();
  }

  /** Nothing is set any more, and nothing shall be left of it. @returns false: something is, which is told as a trouble */
  async #end(): Promise<boolean> {
    try {
      await this.#keeper.end();
      await this.#remember([]);
      this.#options.trouble(undefined);
      return true;
    } catch (error) {
      await this.#remember([], this.#keeper.tables);
      this.#options.trouble(errorText(error));
      return false;
    }
  }

  /** The role need not wait for that. Until the addresses are taken again, or the daemon ends: the next one does it. */
  #endLater(): void {
    const ending = new AbortController();
    this.#ending = ending;
    const { clock, log } = this.#host;
    void (async () => {
      for (let ended = false; !ended && !ending.signal.aborted; ) {
        await clock.sleep(renewEveryMs, ending.signal).catch(() => undefined);
        ended = await this.#turns.take(async () => ending.signal.aborted || this.#end());
      }
    })().catch((error: unknown) =>
      log.error('what kept addresses silent is left behind', { reason: errorText(error) }),
    );
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
      await this.#remember(wanted, this.#keeper.tables);
    }
    const { failed, reason } = await this.#keeper.keep(wanted, () => this.#leftMs(signal));
    if (wanted.length === 0) await this.#remember([]);
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

  /** For how long the kernel may be told of them now; undefined: not at all. */
  #leftMs(signal: AbortSignal): number | undefined {
    const leftMs = this.#options.leaseUntilMs() - this.#host.clock.monotonicMs() - kernelSlackMs;
    return signal.aborted || leftMs <= 0 ? undefined : leftMs;
  }

  async #remember(
    known: readonly LeasedAddress[],
    tables = known.length === 0 ? [] : this.#keeper.tables,
  ): Promise<void> {
    this.#known = known;
    const { record } = this.#options;
    const text = JSON.stringify({ addresses: known, tables });
    if (text === this.#recorded) return;
    this.#recorded = undefined;
    if (known.length + tables.length === 0) await this.#host.files.remove(record);
    else await this.#host.files.writeAtomic(record, text, 0o600);
    this.#recorded = text;
  }
}

/** At the start of a daemon: what an earlier life left behind is taken off before anything else. */
export async function dropLeftovers(host: IpHost, directory: string): Promise<void> {
  for (const name of (await host.files.list(directory)) ?? []) {
    if (!recordForm.test(name)) continue;
    const path = `${directory}/${name}`;
    const text = await host.files.readText(path);
    const { addresses, tables } = recordSchema.parse(text === undefined ? [] : JSON.parse(text));
    await removeAddresses(host, addresses);
    try {
      await removeTables(host, tables);
      await host.files.remove(path);
    } catch (error) {
      // The addresses are gone, which others wait for. The next daemon tries again, and so does whoever takes them again.
      await host.files.writeAtomic(path, JSON.stringify({ addresses: [], tables }), 0o600);
      host.log.warn('what kept addresses silent is left behind', {
        tables: tables.join(', '),
        reason: errorText(error),
      });
    }
  }
}
