/** Speaks IPMI 2.0 with a BMC, by ipmitool. @module */
import {
  type BmcAccess,
  bmcError,
  type Host,
  type Power,
  type PowerDriver,
  type PvcError,
} from '../../core/plugin/api.ts';
import { bootTaken, orderTaken, powerIn, refusalIn } from './answers.ts';

/** Core ends an attempt earlier; this only bounds it should core not. */
const attemptMs = 15_000;

/** Its command line. The password comes by the environment, which only root and the process itself can read. */
export const argvFor = (bmc: BmcAccess, words: readonly string[]): [string, ...string[]] => [
  ...(['ipmitool', '-v', '-I', 'lanplus', '-H', bmc.address] as const),
  ...(bmc.port === undefined ? [] : ['-p', String(bmc.port)]),
  ...['-U', bmc.user, '-E', '-C', String(bmc.cipherSuite), '-L', bmc.privilege],
  // Lost packets are sent again after two seconds: a slow BMC would carry out what is sent twice one after the other.
  ...['-N', '2', '-R', '3'],
  ...words,
];

/** @param host as it is once the daemon has started */
export function ipmiDriver(host: () => Pick<Host, 'processes'>): PowerDriver {
  const ask = (bmc: BmcAccess, words: readonly string[], signal: AbortSignal) =>
    host().processes.exec(argvFor(bmc, ['chassis', ...words]), {
      timeoutMs: attemptMs,
      env: { IPMI_PASSWORD: bmc.password },
      signal,
    });
  const refused = (bmc: BmcAccess, result: Awaited<ReturnType<typeof ask>>): PvcError => {
    const { code, reason } = refusalIn(result);
    const { node, address, user, cipherSuite: suite } = bmc;
    return bmcError(code, { node, address, user, suite, reason });
  };
  const order = async (bmc: BmcAccess, word: 'on' | 'off' | 'reset', signal: AbortSignal): Promise<void> => {
    const result = await ask(bmc, ['power', word], signal);
    if (!orderTaken(result)) throw refused(bmc, result);
  };
  return {
    name: 'ipmi',
    summary: 'IPMI 2.0 over LAN, by ipmitool',
    takes: ['cipherSuite', 'privilege'],
    async status(bmc, signal): Promise<Power> {
      const result = await ask(bmc, ['power', 'status'], signal);
      const power = powerIn(result.stdout);
      if (power === undefined) throw refused(bmc, result);
      return power;
    },
    off: (bmc, signal) => order(bmc, 'off', signal),
    on: (bmc, signal) => order(bmc, 'on', signal),
    reset: (bmc, signal) => order(bmc, 'reset', signal),
    async bootFromNetwork(bmc, signal) {
      // Valid once, unless one asks for more (IPMI 2.0, table 28-14, boot flags).
      const result = await ask(bmc, ['bootdev', 'pxe'], signal);
      if (!bootTaken(result)) throw refused(bmc, result);
    },
  };
}
