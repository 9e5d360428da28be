/** Speaks Redfish with a BMC (DMTF DSP0266): without a session, so that an attempt leaves none behind. @module */
import { type BmcAccess, bmcError, type Host, type PowerDriver } from '../../core/plugin/api.ts';
import {
  allowedIn,
  bodyOf,
  chosenSystem,
  httpTrouble,
  membersIn,
  type Order,
  powerOf,
  Refused,
  resetOf,
  resetTypeFor,
  servicePath,
  systemsIn,
} from './redfish-answers.ts';
import { requestOf, shownPin, type Tell } from './redfish-request.ts';

/**
 * How long a system stays known at its place: an order follows a reading, and each request to a BMC takes up to seconds.
 * Not longer, since another system may come to be behind the same BMC.
 */
const knownMs = 60_000;
/** A list comes in pages; a BMC that never ends it is not read for ever. */
const maxPages = 8;

type Ask = (path: string, tell?: Tell) => Promise<unknown>;

/** @param host as it is once the daemon has started */
export function redfishDriver(host: () => Pick<Host, 'processes' | 'clock'>): PowerDriver {
  const places = new Map<string, { readonly path: string; readonly untilMs: number }>();

  const find = async (ask: Ask, bmc: BmcAccess): Promise<string> => {
    const paths: string[] = [];
    let page: string | undefined = systemsIn(await ask(servicePath));
    for (let pages = 0; page !== undefined; pages += 1) {
      if (pages === maxPages) throw new Refused('BMC_FAILED', 'its list of systems does not end');
      const { paths: some, next } = membersIn(await ask(page));
      paths.push(...some);
      page = next;
    }
    return chosenSystem(paths, bmc.system);
  };

  /** Where the system is, and what it tells of itself now. */
  const read = async (ask: Ask, bmc: BmcAccess): Promise<{ readonly path: string; readonly system: unknown }> => {
    const { clock } = host();
    const key = JSON.stringify([bmc.node, bmc.address, bmc.port, bmc.user, bmc.system]);
    const known = places.get(key);
    const now = clock.monotonicMs();
    const place =
      known !== undefined && known.untilMs > now ? known : { path: await find(ask, bmc), untilMs: now + knownMs };
    // Known only when it is there.
    places.delete(key);
    const system = await ask(place.path);
    places.set(key, place);
    return { path: place.path, system };
  };

  /** One attempt; tells in core's words why it did not do. */
  const attempt = async <T>(bmc: BmcAccess, signal: AbortSignal, what: (ask: Ask) => Promise<T>): Promise<T> => {
    const ask: Ask = async (path, tell) => {
      const { status, text } = await requestOf(host(), bmc, { path, ...(tell === undefined ? {} : { tell }) }, signal);
      const trouble = httpTrouble(status, path, withoutSecrets(text, bmc));
      if (trouble !== undefined) throw trouble;
      // What answers to an order is a task, a message or nothing (DSP0266).
      return tell === undefined ? bodyOf(text, path) : undefined;
    };
    try {
      return await what(ask);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { node, address, user } = bmc;
      const shown = error.code === 'BMC_CERTIFICATE' ? await shownPin(host(), bmc, signal) : undefined;
      const said = withoutSecrets(error.message, bmc);
      const reason = shown === undefined ? said : `${said} (it shows the key ${shown})`;
      throw bmcError(error.code, { node, address, user, reason });
    }
  };

  const order = (bmc: BmcAccess, wanted: Order, signal: AbortSignal): Promise<void> =>
    attempt(bmc, signal, async (ask) => {
      const { system } = await read(ask, bmc);
      // Several makers refuse to do what is so already.
      if (wanted !== 'reset' && powerOf(system) === wanted) return;
      const { target, allowed, info } = resetOf(system);
      const values = allowed ?? (info === undefined ? undefined : allowedIn(await ask(info)));
      await ask(target, { method: 'POST', body: { ResetType: resetTypeFor(wanted, values) } });
    });

  return {
    name: 'redfish',
    summary: 'Redfish over HTTPS, by curl',
    takes: ['system', 'pin'],
    status: (bmc, signal) => attempt(bmc, signal, async (ask) => powerOf((await read(ask, bmc)).system)),
    off: (bmc, signal) => order(bmc, 'off', signal),
    on: (bmc, signal) => order(bmc, 'on', signal),
    reset: (bmc, signal) => order(bmc, 'reset', signal),
    bootFromNetwork: (bmc, signal) =>
      attempt(bmc, signal, async (ask) => {
        const { path } = await read(ask, bmc);
        // ComputerSystem, "Boot": an override that is valid once.
        const Boot = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' };
        await ask(path, { method: 'PATCH', body: { Boot } });
      }),
  };
}

/** A BMC's own words may repeat what it was sent, as such or in a JSON text. */
function withoutSecrets(text: string, { user, password }: BmcAccess): string {
  const header = Buffer.from(`${user}:${password}`).toString('base64');
  return [header, JSON.stringify(password).slice(1, -1), password].reduce(
    (all, one) => all.replaceAll(one, '***'),
    text,
  );
}
