/** Which rule accepts a machine, and what it becomes. Pure. @module */
import ipaddr from 'ipaddr.js';
import type { Hardware } from '../machine/machine-kind.ts';
import { addressProblem } from '../machine/machine-rules.ts';
import type { RuleSpec } from './rule-kind.ts';

/** More are no slip of the hand. */
const mostAddresses = 4_096n;

/** Whether a text is as the pattern says; what a machine does not tell is as none says. */
function fits(pattern: string | undefined, text: string | null): boolean {
  if (pattern === undefined) return true;
  if (text === null) return false;
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'is').test(text.trim());
}

/** Whether the rule accepts a machine. */
export function matches({ match }: Pick<RuleSpec, 'match'>, mac: string, told: Hardware): boolean {
  return (
    // Whole bytes: a colon follows, or the end.
    (match.mac === undefined || `${mac}:`.startsWith(`${match.mac}:`)) &&
    fits(match.manufacturer, told.manufacturer) &&
    fits(match.product, told.product) &&
    fits(match.serial, told.serial) &&
    (match.minMemoryMiB === undefined || (told.memoryMiB !== null && told.memoryMiB >= match.minMemoryMiB))
  );
}

/** `hv4`: the first of the pattern's names, by number from 1, that nobody has. */
export function freeName(pattern: string, taken: ReadonlySet<string>): string {
  const digits = pattern.length - pattern.indexOf('#');
  const stem = pattern.slice(0, -digits);
  const nameOf = (number: number): string => `${stem}${String(number).padStart(digits, '0')}`;
  let number = 1;
  while (taken.has(nameOf(number))) number += 1;
  return nameOf(number);
}

const numberOf = (address: ipaddr.IPv4 | ipaddr.IPv6): bigint =>
  address.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

function textOf(number: bigint, bytes: number): string {
  const parts = Array.from({ length: bytes }, (_, at) => Number((number >> BigInt(8 * (bytes - 1 - at))) & 255n));
  return ipaddr.fromByteArray(parts).toString();
}

/** Why a rule cannot give these addresses in the cluster network; undefined: it can. */
export function rangeProblem(cidr: string, { from, to }: RuleSpec['addresses']): string | undefined {
  for (const end of [from, to]) {
    const wrong = addressProblem(cidr, end);
    if (wrong !== undefined) return `${end}: ${wrong}`;
  }
  const many = numberOf(ipaddr.parse(to)) - numberOf(ipaddr.parse(from)) + 1n;
  if (many < 1n) return `${from} comes after ${to}`;
  return many > mostAddresses ? `they are more than ${mostAddresses}` : undefined;
}

/** The first address that nobody has. Undefined: all are taken. */
export function freeAddress({ from, to }: RuleSpec['addresses'], taken: readonly string[]): string | undefined {
  const first = ipaddr.parse(from);
  const bytes = first.toByteArray().length;
  const used = new Set(
    taken
      .map((address) => ipaddr.parse(address))
      .filter((one) => one.kind() === first.kind())
      .map(numberOf),
  );
  const last = numberOf(ipaddr.parse(to));
  for (let number = numberOf(first); number <= last; number += 1n) if (!used.has(number)) return textOf(number, bytes);
  return undefined;
}
