/**
 * How machines are switched from outside: what a plugin offers to core (a driver for one protocol of BMCs), and what
 * core offers to whoever needs it (the power of a node, with read-back).
 * @module
 */
import { defineErrors } from '../error/error.ts';
import type { BmcSetting, BmcSpec } from '../model/bmc-kind.ts';

export type Power = 'on' | 'off';

/** The BMC of a machine as a driver gets it, with its password. It is not written down and not logged. */
export interface BmcAccess extends BmcSpec {
  /** The name of the node, or how else the machine is called, for messages. */
  readonly node: string;
  readonly password: string;
}

/**
 * Speaks with BMCs of one kind. Each call makes one attempt, ends when the signal aborts, and leaves nothing behind;
 * attempts are repeated, and outcomes read back, by core.
 */
export interface PowerDriver {
  /** By which a BMC's description names it: `ipmi`. */
  readonly name: string;
  readonly summary: string;
  /** What its protocol knows of the settings that not every one has; others are refused for it. */
  readonly takes: readonly BmcSetting[];
  /** What the BMC says. @throws PvcError BMC_… */
  status(bmc: BmcAccess, signal: AbortSignal): Promise<Power>;
  /**
   * Has the power cut at once, without a word to the system; resolves when the BMC has taken the order, which proves
   * nothing. A machine that is off already is no error. @throws PvcError BMC_…
   */
  off(bmc: BmcAccess, signal: AbortSignal): Promise<void>;
  /** The same for on. @throws PvcError BMC_… */
  on(bmc: BmcAccess, signal: AbortSignal): Promise<void>;
  /** Has a machine that is on reset, as its button does. @throws PvcError BMC_… */
  reset(bmc: BmcAccess, signal: AbortSignal): Promise<void>;
  /** Has the machine's next boot, and that alone, be one from the network. Absent: its protocol cannot. @throws PvcError BMC_… */
  bootFromNetwork?(bmc: BmcAccess, signal: AbortSignal): Promise<void>;
}

/** The power of nodes. What resolves was read back from the BMC; nothing else counts. */
export interface NodePower {
  /** Whether the node has a BMC that somebody has described. @throws PvcError OBJECT_NOT_FOUND */
  has(node: string): Promise<boolean>;
  /** @throws PvcError BMC_NONE, BMC_… after one attempt, within ten seconds */
  status(node: string, signal: AbortSignal): Promise<Power>;
  /**
   * Resolves once its BMC reads off; off already is success.
   * @param before awaited before each order, and not when none is needed; what it throws ends the attempt
   * @throws PvcError BMC_NONE, BMC_…, POWER_NOT_PROVEN
   */
  off(node: string, signal: AbortSignal, before?: () => Promise<void>): Promise<void>;
  /** The same for on. @throws PvcError BMC_NONE, BMC_…, POWER_NOT_PROVEN */
  on(node: string, signal: AbortSignal, before?: () => Promise<void>): Promise<void>;
  /** Resets a node that is on; it reads on before and after. @throws PvcError POWER_OFF, BMC_NONE, BMC_…, POWER_NOT_PROVEN */
  reset(node: string, signal: AbortSignal): Promise<void>;
  /**
   * Has a node boot from the network, once: it is switched on, or reset when it is on, and reads on afterwards.
   * @throws PvcError BMC_NONE, BMC_NO_NETBOOT, BMC_…, POWER_NOT_PROVEN
   */
  netboot(node: string, signal: AbortSignal): Promise<void>;
  /** The same for a machine that is no node yet, by the BMC that it has. @throws PvcError BMC_…, POWER_NOT_PROVEN */
  netbootBy(bmc: BmcAccess, signal: AbortSignal): Promise<void>;
}

/** What can be wrong on the way to a BMC; drivers throw these, and no others, for what they understand. */
export const bmcError = defineErrors({
  BMC_UNREACHABLE: {
    message: 'The BMC of {node} at {address} does not answer: {reason}.',
    hint: 'Is it connected, is its address right (`pvc node bmc show {node}`), and is remote access (IPMI over LAN, or Redfish) switched on in it?',
    http: 504,
    exit: 'unreachable',
  },
  BMC_DENIED: {
    message: 'The BMC of {node} at {address} does not let the user {user} in: {reason}.',
    hint: 'Give the right user and password: `pvc node bmc set {node}`. It is not tried again before, since many BMCs lock the account.',
    http: 502,
    exit: 'denied',
  },
  BMC_PRIVILEGE: {
    message: 'The user {user} may not switch the power at the BMC of {node} ({address}): {reason}.',
    hint: 'Give the user the privilege OPERATOR or ADMINISTRATOR in the BMC, and with IPMI the same in `pvc node bmc set {node} --privilege`.',
    http: 502,
    exit: 'denied',
  },
  BMC_CIPHER_SUITE: {
    message: 'The BMC of {node} at {address} does not offer the cipher suite {suite}: {reason}.',
    hint: 'Use the other one: `pvc node bmc set {node} --cipher-suite`; 17 is the newer, 3 is what older BMCs have.',
    http: 502,
    exit: 'failed',
  },
  BMC_CERTIFICATE: {
    message: 'The BMC of {node} at {address} is not proven to be the right one, and was told no password: {reason}.',
    hint: 'Compare the key with the one of the BMC itself (docs/fencing.md, "The certificate of the BMC"). When it is that: `pvc node bmc set {node} --driver redfish --pin PIN`, with all else as before.',
    http: 502,
    exit: 'failed',
  },
  BMC_SYSTEM: {
    message: 'Which system of the BMC of {node} at {address} is that node, is not clear: {reason}.',
    hint: 'Name the one: `pvc node bmc set {node} --driver redfish --system ID`, with all else as before.',
    http: 502,
    exit: 'failed',
  },
  BMC_SETTING: {
    message: 'The driver {driver} does not know {settings}.',
    hint: 'Leave that out, or name another driver with --driver.',
    http: 400,
    exit: 'usage',
  },
  BMC_SHARED: {
    message:
      'The BMC at {address} is that of {other} already, as a whole: a fence would cut the power of the wrong machine.',
    hint: 'Where several nodes are systems of one BMC, each needs its --system. Describe {other} anew with its own first.',
    http: 409,
    exit: 'refused',
  },
  BMC_BUSY: {
    message: 'The BMC of {node} at {address} is busy: {reason}.',
    hint: 'It was tried several times. If it stays so, end other sessions, or restart the BMC itself (the machine runs on).',
    http: 503,
    exit: 'failed',
  },
  BMC_FAILED: {
    message: 'The BMC of {node} at {address} did not do what it was asked: {reason}.',
    hint: 'Look at the log of the BMC itself; restart it if it stays so (the machine runs on).',
    http: 502,
    exit: 'failed',
  },
  BMC_NONE: {
    message: 'PVC knows no BMC of {node}: its power cannot be read or switched.',
    hint: 'Describe it: `pvc node bmc set {node} --address ADDRESS --user USER --password-file FILE`.',
    http: 409,
    exit: 'refused',
  },
  BMC_NO_NETBOOT: {
    message: 'The driver {driver} cannot have {node} boot from the network.',
    hint: 'Choose the network in its firmware, and reset it: `pvc node power {node} reset`.',
    http: 409,
    exit: 'refused',
  },
  BMC_DRIVER_UNKNOWN: {
    message: 'No plugin here offers the driver {driver} for the BMC of {node}; there are: {known}.',
    hint: 'Name one of them with --driver, or see `pvc plugin list`.',
    http: 409,
    exit: 'refused',
  },
  POWER_NOT_PROVEN: {
    message: 'The BMC of {node} was told to switch it {wanted}, and still reads {power} after {seconds} s.',
    hint: 'Nothing is taken for granted: look at the machine. `pvc node power {node} status` reads it again.',
    http: 504,
    exit: 'failed',
  },
  POWER_OFF: {
    message: 'The node {node} is off: there is nothing to reset.',
    hint: 'Switch it on: `pvc node power {node} on`.',
    http: 409,
    exit: 'refused',
  },
});
