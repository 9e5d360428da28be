/**
 * The power of nodes through their BMCs: finds the driver and the password, repeats what may pass, and takes for done
 * only what the BMC reads afterwards.
 * @module
 */
import { errorText, PvcError } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import { bmcSecret } from '../../model/bmc-kind.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import { knownDrivers } from '../../plugin/bmc-input.ts';
import { type BmcAccess, bmcError, type NodePower, type Power, type PowerDriver } from '../../plugin/power.ts';
import type { Documents } from '../../store/documents.ts';

/**
 * One attempt, a question or an order: a BMC is slow when it works on something else. Below the time that one node waits
 * for the answer of another.
 */
const attemptMs = 9_000;
/** Attempts, where something hangs on the outcome; one who only asks is answered after one. */
const questions = 2;
const orders = 3;
/** From an order until the BMC must read what was ordered: power supplies take seconds. */
const settleMs = 10_000;
/** The same after an order that was not answered: it may have been carried out all the same. */
const unansweredMs = 2_000;
const pauseMs = 500;

/** Whether it may be otherwise the next time. A wrong password is not tried twice: accounts get locked. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof PvcError) || ['BMC_UNREACHABLE', 'BMC_BUSY', 'BMC_FAILED'].includes(error.code);

interface Reached {
  readonly driver: PowerDriver;
  readonly bmc: BmcAccess;
}

export class BmcPower implements NodePower {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #documents: Documents;
  readonly #drivers: () => readonly PowerDriver[];

  constructor(host: Pick<Host, 'clock' | 'log'>, documents: Documents, drivers: () => readonly PowerDriver[]) {
    this.#host = host;
    this.#documents = documents;
    this.#drivers = drivers;
  }

  async has(node: string): Promise<boolean> {
    return (await this.#documents.need(nodeKind, node)).spec.bmc !== undefined;
  }

  async status(node: string, signal: AbortSignal): Promise<Power> {
    return this.#read(await this.#reach(node), signal, 1);
  }

  off(node: string, signal: AbortSignal, before?: () => Promise<void>): Promise<void> {
    return this.#bring(node, 'off', signal, before);
  }

  on(node: string, signal: AbortSignal, before?: () => Promise<void>): Promise<void> {
    return this.#bring(node, 'on', signal, before);
  }

  async reset(node: string, signal: AbortSignal): Promise<void> {
    const reached = await this.#reach(node);
    // A BMC takes the reset of a machine that is off, and does nothing.
    if ((await this.#read(reached, signal)) === 'off') throw bmcError('POWER_OFF', { node });
    await this.#order(reached, 'reset', 'on', signal);
  }

  async netboot(node: string, signal: AbortSignal): Promise<void> {
    await this.#netboot(await this.#reach(node), signal);
  }

  async netbootBy(bmc: BmcAccess, signal: AbortSignal): Promise<void> {
    await this.#netboot(this.#spokenBy(bmc), signal);
  }

  async #netboot(reached: Reached, signal: AbortSignal): Promise<void> {
    const { driver, bmc } = reached;
    if (driver.bootFromNetwork === undefined) throw bmcError('BMC_NO_NETBOOT', { node: bmc.node, driver: driver.name });
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#once(bmc, signal, async (ended) => driver.bootFromNetwork?.(bmc, ended));
        break;
      } catch (error) {
        if (signal.aborted || !mayPass(error) || tries >= orders) throw error;
      }
    }
    const order = (await this.#read(reached, signal)) === 'on' ? 'reset' : 'on';
    await this.#order(reached, order, 'on', signal);
  }

  async #bring(node: string, wanted: Power, signal: AbortSignal, before?: () => Promise<void>): Promise<void> {
    const reached = await this.#reach(node);
    if ((await this.#read(reached, signal)) !== wanted) await this.#order(reached, wanted, wanted, signal, before);
  }

  /** @throws PvcError OBJECT_NOT_FOUND, BMC_NONE, BMC_DRIVER_UNKNOWN */
  async #reach(node: string): Promise<Reached> {
    const [doc, secret] = await Promise.all([
      this.#documents.need(nodeKind, node),
      this.#documents.get(bmcSecret, node),
    ]);
    const { bmc } = doc.spec;
    if (bmc === undefined || secret === undefined) throw bmcError('BMC_NONE', { node });
    return this.#spokenBy({ ...bmc, node, password: secret.spec.password });
  }

  /** @throws PvcError BMC_DRIVER_UNKNOWN */
  #spokenBy(bmc: BmcAccess): Reached {
    const drivers = this.#drivers();
    const driver = drivers.find(({ name }) => name === bmc.driver);
    if (driver === undefined)
      throw bmcError('BMC_DRIVER_UNKNOWN', { node: bmc.node, driver: bmc.driver, known: knownDrivers(drivers) });
    return { driver, bmc };
  }

  async #read({ driver, bmc }: Reached, signal: AbortSignal, attempts = questions): Promise<Power> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(bmc, signal, (ended) => driver.status(bmc, ended));
      } catch (error) {
        if (signal.aborted || !mayPass(error) || tries >= attempts) throw error;
      }
    }
  }

  /** Orders until the BMC reads what is expected. */
  async #order(
    reached: Reached,
    order: Power | 'reset',
    expected: Power,
    signal: AbortSignal,
    before: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    const { driver, bmc } = reached;
    const { clock, log } = this.#host;
    const startedMs = clock.monotonicMs();
    for (let tries = 1; ; tries += 1) {
      await before();
      let refused: Error | undefined;
      try {
        await this.#once(bmc, signal, (ended) => driver[order](bmc, ended));
      } catch (error) {
        if (signal.aborted || !mayPass(error)) throw error;
        refused = error instanceof Error ? error : new Error(errorText(error));
        log.warn(`the BMC of ${bmc.node} was told ${order}`, { tries, reason: errorText(error) });
      }
      // An order whose answer was lost may have been carried out: what it reads tells. A reset leaves nothing to read.
      const power =
        order === 'reset' && refused !== undefined
          ? undefined
          : await this.#settle(reached, expected, refused === undefined ? settleMs : unansweredMs, signal);
      if (power === expected) {
        log.info(`the BMC of ${bmc.node} reads ${power} after ${order}`, { tries });
        return;
      }
      if (tries < orders) continue;
      if (refused !== undefined) throw refused;
      const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000);
      throw bmcError('POWER_NOT_PROVEN', { node: bmc.node, wanted: expected, power: power ?? 'nothing', seconds });
    }
  }

  /** What the BMC reads once it reads what is expected, or what it read last. @throws PvcError BMC_… when it reads nothing at all */
  async #settle(reached: Reached, expected: Power, ms: number, signal: AbortSignal): Promise<Power> {
    const { clock } = this.#host;
    const untilMs = clock.monotonicMs() + ms;
    for (;;) {
      const power = await this.#read(reached, signal);
      if (power === expected || clock.monotonicMs() >= untilMs) return power;
      await clock.sleep(pauseMs, signal);
    }
  }

  /** One attempt: it ends in time even when the driver does not. */
  async #once<T>(
    { node, address }: BmcAccess,
    signal: AbortSignal,
    attempt: (ended: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const deadline = new AbortController();
    const cancel = this.#host.clock.after(attemptMs, () =>
      deadline.abort(bmcError('BMC_UNREACHABLE', { node, address, reason: `no answer within ${attemptMs / 1000} s` })),
    );
    const either = AbortSignal.any([signal, deadline.signal]);
    const aborted = new Promise<never>((_, reject) =>
      either.addEventListener('abort', () => reject(either.reason as Error), { once: true }),
    );
    aborted.catch(() => undefined);
    try {
      return await Promise.race([attempt(either), aborted]);
    } catch (error) {
      // What the driver makes of its end is less than why it was ended.
      throw either.aborted ? either.reason : error;
    } finally {
      cancel();
    }
  }
}
