/**
 * What ipmitool's words mean. Pure. Its output is its own, whatever the BMC; what differs between makers is which
 * errors they answer with. The words are those of ipmitool 1.8.19 with `-v`, without which it keeps to itself why a
 * session was refused.
 * @module
 */
import type { ExecResult, Power } from '../../core/plugin/api.ts';

type Trouble = 'BMC_UNREACHABLE' | 'BMC_DENIED' | 'BMC_PRIVILEGE' | 'BMC_CIPHER_SUITE' | 'BMC_BUSY' | 'BMC_FAILED';

export interface Refusal {
  readonly code: Trouble;
  readonly reason: string;
}

/** The power as `chassis power status` prints it; undefined when it prints none. */
export function powerIn(stdout: string): Power | undefined {
  const found = /^Chassis Power is (on|off)\s*$/m.exec(stdout);
  return found === null ? undefined : (found[1] as Power);
}

/** Whether the BMC has taken an order. */
export const orderTaken = ({ code, stdout }: Pick<ExecResult, 'code' | 'stdout'>): boolean =>
  code === 0 && /^Chassis Power Control: \S/m.test(stdout);

/** Whether the BMC has taken what the next boot is to be from. */
export const bootTaken = ({ code, stdout }: Pick<ExecResult, 'code' | 'stdout'>): boolean =>
  code === 0 && /^Set Boot Device to pxe$/m.test(stdout);

/** The first rule that finds its words tells; what `-v` says of things that do not matter here matches none. */
const rules: readonly { readonly words: RegExp; readonly code: Trouble; readonly reason?: string }[] = [
  { words: /password is longer than \d+ bytes/, code: 'BMC_DENIED', reason: 'IPMI takes at most 20 characters' },
  { words: /Address lookup for .* failed/, code: 'BMC_UNREACHABLE', reason: 'its name is not known here' },
  // Some makers answer an unknown user with "illegal parameter", so that nobody learns which users there are.
  {
    words: /RAKP 2 HMAC is invalid|RAKP 4 message has invalid integrity check value/,
    code: 'BMC_DENIED',
    reason: 'the password is wrong',
  },
  {
    words: /(?:RAKP \d|open session response) message.*: (?:unauthorized name|invalid name length|illegal .*parameter)/,
    code: 'BMC_DENIED',
    reason: 'it has no such user, or the user may not use IPMI over LAN',
  },
  {
    words:
      /: (?:unauthorized role or privilege level requested|invalid role)|Requested privilege level exceeds limit|Set Session Privilege Level to \w+ failed/,
    code: 'BMC_PRIVILEGE',
    reason: 'the privilege that is asked for is more than it has',
  },
  {
    words: /Chassis Power \S+.* failed: Insufficient privilege level/,
    code: 'BMC_PRIVILEGE',
    reason: 'insufficient privilege level',
  },
  {
    words:
      /: (?:invalid (?:authentication|integrity|confidentiality) algorithm|no matching (?:authentication|integrity) payload|no cipher suite match)|Unsupported cipher suite/i,
    code: 'BMC_CIPHER_SUITE',
    reason: 'it has none of these algorithms',
  },
  {
    words: /: insufficient resources|No session slot available|No slot available/i,
    code: 'BMC_BUSY',
    reason: 'it has no room for another session',
  },
  {
    words: /Chassis Power \S+.* failed: (?:Node busy|Timeout|Out of space)|BMC initialization in progress/,
    code: 'BMC_BUSY',
    reason: 'it works on something else',
  },
  {
    words: /Get Auth Capabilities error|no response from RAKP|Timeout in open session|Unable to establish/,
    code: 'BMC_UNREACHABLE',
    reason: 'no session could be opened',
  },
];

/** Why ipmitool did not do what it was asked. */
export function refusalIn({ code, signal, stdout, stderr }: ExecResult): Refusal {
  const said = `${stderr}\n${stdout}`;
  for (const rule of rules) if (rule.words.test(said)) return { code: rule.code, reason: rule.reason ?? '' };
  const line = said
    .split('\n')
    .map((one) => one.trim())
    .findLast((one) => /fail|error|unable|invalid/i.test(one));
  return { code: 'BMC_FAILED', reason: line ?? `ipmitool ended with ${code ?? signal} and no reason` };
}
