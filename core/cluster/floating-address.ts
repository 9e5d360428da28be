/**
 * The floating address of the cluster network: the primary's, and nobody else's.
 *
 * The kernel is its last guard. It is set with a life time that ends before the primary's lease does and is renewed
 * while the lease goes on, so that a daemon that hangs or was stopped loses it all the same (`valid_lft`, ip-address(8)).
 * @module
 */
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';

export interface FloatingOptions {
  /** The address itself, and this node's own one on the same network. */
  readonly floating: string;
  readonly own: string;
  /** Up to when the role is surely this node's, on the monotonic clock. */
  readonly leaseUntilMs: () => number;
  /** Where it is remembered that this node has it, for the next life of the daemon. */
  readonly record: string;
  readonly trouble: (reason: string | undefined) => void;
}

const execTimeoutMs = 3_000;
export const renewEveryMs = 1_000;
/** The kernel may take a second longer (ADDR_CHECK_FREQ and its rounding, net/ipv4/devinet.c). */
const kernelSlackMs = 1_000;

const links = z.array(
  z.looseObject({
    ifname: z.string(),
    addr_info: z.array(z.looseObject({ local: z.string().optional() })).default([]),
  }),
);

const recordSchema = z.object({ address: z.string() });

type IpHost = Pick<Host, 'clock' | 'files' | 'log' | 'processes'>;

const withPrefix = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

export class FloatingAddress {
  readonly #host: IpHost;
  readonly #options: FloatingOptions;
  #renewing: AbortController | undefined;
  /** One `ip` after the other: an address that is dropped must not be set by a command that was late. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: IpHost, options: FloatingOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Sets it and keeps it until `drop`. Resolves once it is set; a failure is told as a trouble and tried again. */
  async take(): Promise<void> {
    this.#renewing?.abort();
    const renewing = new AbortController();
    this.#renewing = renewing;
    const { clock, log } = this.#host;
    await this.#host.files.writeAtomic(
      this.#options.record,
      JSON.stringify({ address: this.#options.floating }),
      0o600,
    );
    const first = await this.#renew(renewing.signal, true);
    void (async () => {
      let announced = first;
      while (!renewing.signal.aborted) {
        await clock.sleep(renewEveryMs, renewing.signal).catch(() => undefined);
        if (!renewing.signal.aborted) announced = await this.#renew(renewing.signal, !announced);
      }
    })().catch((error: unknown) => log.error('keeping the floating address ended', { reason: errorText(error) }));
  }

  /** Takes it off; not having it is fine. @throws Error when it is still there afterwards */
  async drop(): Promise<void> {
    this.#renewing?.abort();
    this.#renewing = undefined;
    await this.#inTurn(() => removeAddress(this.#host, this.#options.floating));
    await this.#host.files.remove(this.#options.record);
  }

  /** @returns whether it is set now */
  async #renew(signal: AbortSignal, announce: boolean): Promise<boolean> {
    try {
      const device = await this.#inTurn(async () => {
        const found = deviceOf(await showLinks(this.#host), this.#options.own);
        if (found === undefined) throw new Error(`no link has ${this.#options.own}`);
        // The last look at the clock, when `ip` runs already: a daemon that was stopped in between must not set what
        // belongs to somebody else by now.
        let told = false;
        await ip(this.#host, ['-batch', '-'], () => {
          const leftMs = this.#options.leaseUntilMs() - this.#host.clock.monotonicMs() - kernelSlackMs;
          const seconds = Math.floor(leftMs / 1000);
          if (signal.aborted || seconds < 1) return '';
          told = true;
          const nodad = this.#options.floating.includes(':') ? ' nodad' : '';
          return `addr replace ${withPrefix(this.#options.floating)} dev ${found} valid_lft ${seconds} preferred_lft ${seconds}${nodad}\n`;
        });
        if (!told) return undefined;
        return found;
      });
      if (device === undefined) return false;
      if (announce)
        void this.#announce(device).catch((error: unknown) =>
          this.#host.log.warn('the neighbours could not be told of the floating address', { reason: errorText(error) }),
        );
      this.#options.trouble(undefined);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#options.trouble(errorText(error));
      return false;
    }
  }

  /** Tells the neighbours where it is now; their entries for the last holder would point into the void. */
  async #announce(device: string): Promise<void> {
    const { floating } = this.#options;
    // IPv6: the kernel itself sends an unsolicited advertisement with nodad only when asked to; neighbours find out.
    if (floating.includes(':')) return;
    const done = await this.#host.processes.exec(
      ['arping', '-q', '-U', '-c', '2', '-W', '0.2', '-w', '1', '-i', device, floating],
      {
        timeoutMs: execTimeoutMs,
      },
    );
    if (done.code !== 0 && done.stderr.trim() !== '')
      this.#host.log.warn('the neighbours could not be told of the floating address', { reason: done.stderr.trim() });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** At the start of a daemon: what an earlier life left behind is taken off before anything else. */
export async function dropLeftover(host: IpHost, record: string): Promise<void> {
  const text = await host.files.readText(record);
  if (text === undefined) return;
  const parsed = recordSchema.safeParse(JSON.parse(text));
  if (parsed.success) await removeAddress(host, parsed.data.address);
  await host.files.remove(record);
}

/** The link that has an address. Pure. */
export const deviceOf = (found: z.infer<typeof links>, address: string): string | undefined =>
  found.find((link) => link.addr_info.some((info) => info.local === address))?.ifname;

async function showLinks(host: IpHost): Promise<z.infer<typeof links>> {
  return links.parse(JSON.parse(await ip(host, ['-j', 'addr', 'show'])));
}

async function removeAddress(host: IpHost, address: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const device = deviceOf(await showLinks(host), address);
    if (device === undefined) return;
    if (tries >= 3) throw new Error(`${address} is still on ${device}`);
    try {
      await ip(host, ['addr', 'del', withPrefix(address), 'dev', device]);
    } catch (error) {
      // Its life time may have ended this moment: the next look tells.
      host.log.debug('an address could not be taken off', { address, reason: errorText(error) });
    }
  }
}

async function ip(host: IpHost, args: readonly string[], input?: () => string): Promise<string> {
  const done = await host.processes.exec(['ip', ...args], {
    timeoutMs: execTimeoutMs,
    ...(input === undefined ? {} : { input }),
  });
  if (done.code !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr.trim() || `exit ${done.code}`}`);
  return done.stdout;
}
