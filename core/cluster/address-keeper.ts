/**
 * The two ways in which the kernel takes from a daemon that stands still the addresses of a role that is over: a life time of
 * each address, or a muzzle for all of them (docs/decisions/027-muzzled-gateways.md).
 * @module
 */
import type { LeasedAddress, Muzzle } from '../plugin/runtime.ts';
import { execTimeoutMs, type IpHost, keyOf, presentAddresses, removeAddresses } from './ip-addresses.ts';

/** What the kernel did not take, by its place. */
export interface Told {
  readonly failed: ReadonlySet<number> | 'all';
  /** Of the first; undefined where nothing is wrong: a device that is away is a trouble of whoever keeps it. */
  readonly reason?: string | undefined;
}

export interface AddressKeeper {
  /** Tables of nft(8) that are to be taken away once the addresses are. */
  readonly tables: readonly string[];
  /**
   * Sets the addresses for the time that is left, or goes on with those that are set.
   * @param leftMs asked at the last moment, when the command runs already: a daemon that was stopped in between must
   * not set what belongs to somebody else by now; undefined: nothing is to be set
   * @throws Error when nothing could be done; what was set runs out
   */
  keep(addresses: readonly LeasedAddress[], leftMs: () => number | undefined): Promise<Told>;
  /** They have been taken off: nothing of them is left behind. @throws Error with the reason */
  end(): Promise<void>;
}

type Input = () => string | undefined;

/** Runs a command with what it is told at the last moment. @returns undefined: it was told nothing */
async function tell(host: IpHost, argv: readonly [string, ...string[]], make: Input) {
  let told = false;
  const input = (): string => {
    const text = make();
    told = text !== undefined;
    return text ?? '';
  };
  const done = await host.processes.exec(argv, { timeoutMs: execTimeoutMs, input });
  return told ? done : undefined;
}

/** @param time what is said of the time that they have; undefined: there is none left */
async function setAddresses(
  host: IpHost,
  addresses: readonly LeasedAddress[],
  time: () => string | undefined,
): Promise<Told> {
  const done = await tell(host, ['ip', '-force', '-batch', '-'], () => {
    const words = time();
    if (words === undefined) return undefined;
    return addresses
      .map(({ device, address }) => {
        const nodad = address.includes(':') ? ' nodad' : '';
        return `addr replace ${address} dev ${device}${words}${nodad}\n`;
      })
      .join('');
  });
  if (done === undefined) return { failed: 'all' };
  return done.code === 0 ? { failed: new Set() } : readBatchErrors(done.stderr);
}

/** Each address has a life time of its own (`valid_lft`, ip-address(8)), which is renewed. */
export class LifeTimes implements AddressKeeper {
  readonly tables = [];
  readonly #host: IpHost;

  constructor(host: IpHost) {
    this.#host = host;
  }

  async keep(addresses: readonly LeasedAddress[], leftMs: () => number | undefined): Promise<Told> {
    if (addresses.length === 0) return { failed: new Set() };
    return setAddresses(this.#host, addresses, () => {
      const seconds = Math.floor((leftMs() ?? 0) / 1000);
      return seconds < 1 ? undefined : ` valid_lft ${seconds} preferred_lft ${seconds}`;
    });
  }

  async end(): Promise<void> {}
}

/** How often it is looked whether the addresses are still there: every so many times that they are kept. */
const lookEvery = 3;
/** A muzzle that is about to fall is not worth an address. */
const leastMs = 1_000;

/** The addresses are there for good, and nobody hears of them but while the muzzle's life is renewed. */
export class Muzzled implements AddressKeeper {
  readonly #host: IpHost;
  readonly #muzzle: Muzzle;
  /** The rules that the kernel has; undefined: that is not known. */
  #loaded: string | undefined;
  /** Keys of what is known to be set. */
  #set: ReadonlySet<string> = new Set();
  #looks = 0;
  /** There may be tables. */
  #begun = false;

  constructor(host: IpHost, muzzle: Muzzle) {
    this.#host = host;
    this.#muzzle = muzzle;
  }

  get tables(): readonly string[] {
    return this.#muzzle.tables;
  }

  async keep(addresses: readonly LeasedAddress[], leftMs: () => number | undefined): Promise<Told> {
    if (addresses.length === 0) {
      if (this.#begun) await this.end();
      return { failed: new Set() };
    }
    const left = (): number | undefined => {
      const ms = leftMs();
      return ms === undefined || ms < leastMs ? undefined : ms;
    };
    // First: an address that is not muzzled must not be there.
    if (!(await this.#renew(addresses, left))) return { failed: 'all' };
    if (this.#looks % lookEvery === 0) this.#set = await presentAddresses(this.#host);
    this.#looks += 1;
    const missing = addresses.flatMap((one, index) => (this.#set.has(keyOf(one)) ? [] : [{ one, index }]));
    if (missing.length === 0) return { failed: new Set() };
    const { failed, reason } = await setAddresses(
      this.#host,
      missing.map(({ one }) => one),
      () => (left() === undefined ? undefined : ''),
    );
    if (failed === 'all') return { failed: new Set(missing.map(({ index }) => index)), reason };
    this.#set = new Set([
      ...this.#set,
      ...missing.flatMap(({ one }, place) => (failed.has(place) ? [] : [keyOf(one)])),
    ]);
    return { failed: new Set(missing.flatMap(({ index }, place) => (failed.has(place) ? [index] : []))), reason };
  }

  async end(): Promise<void> {
    this.#loaded = undefined;
    this.#set = new Set();
    this.#looks = 0;
    await removeTables(this.#host, this.tables);
    this.#begun = false;
  }

  /** @returns false: there is no time left for it */
  async #renew(addresses: readonly LeasedAddress[], left: () => number | undefined): Promise<boolean> {
    const rules = this.#muzzle.rules(addresses);
    const life = (): string | undefined => {
      const ms = left();
      return ms === undefined ? undefined : this.#muzzle.life(ms);
    };
    const nft = (make: Input) => tell(this.#host, ['nft', '--file', '-'], make);
    if (rules === this.#loaded) {
      const done = await nft(life);
      if (done === undefined) return false;
      if (done.code === 0) return true;
      // Somebody has taken the tables away: they are loaded again.
      this.#loaded = undefined;
    }
    this.#begun = true;
    const done = await nft(() => {
      const renewal = life();
      return renewal === undefined ? undefined : `${withoutTables(this.tables)}${rules}${renewal}`;
    });
    if (done === undefined) return false;
    if (done.code !== 0) {
      // Of the tables that were there it is not known whether they still are.
      await removeAddresses(this.#host, addresses);
      this.#set = new Set();
      throw new Error(`nft: ${done.stderr.trim().split('\n')[0] || `exit ${done.code}`}`);
    }
    this.#loaded = rules;
    return true;
  }
}

/** Lines for nft(8) that take tables away, whether they are there or not. */
const withoutTables = (tables: readonly string[]): string =>
  tables.map((table) => `table ${table} {\n}\ndelete table ${table}\n`).join('');

/** @throws Error with nft's reason */
export async function removeTables(host: IpHost, tables: readonly string[]): Promise<void> {
  if (tables.length === 0) return;
  const done = await host.processes.exec(['nft', '--file', '-'], {
    timeoutMs: execTimeoutMs,
    input: withoutTables(tables),
  });
  if (done.code !== 0) throw new Error(`nft: ${done.stderr.trim() || `exit ${done.code}`}`);
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
