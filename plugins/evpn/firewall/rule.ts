/**
 * The text of one rule of nftables (nft(8)), before nft itself has seen it, and what nft made of it. What is let through here
 * can be put into a ruleset without ending its own rule: no quotes, comments, names of sets or further statements. Pure.
 * @module
 */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';

/** `MATCHES VERDICT`; without matches it is about every packet. */
const form =
  /^(?:(?<matches>.+) )?(?<verdict>accept|drop|reject(?: with (?:tcp reset|icmp(?:x|v6)?(?: type)? [a-z-]+))?)$/;

/** Braces for anonymous sets only: none inside another, each closed. */
function bracesPair(text: string): boolean {
  let open = false;
  for (const char of text) {
    if (char !== '{' && char !== '}') continue;
    if ((char === '{') === open) return false;
    open = !open;
  }
  return !open;
}

export const ruleText = z
  .string()
  .max(500)
  .regex(
    /^[A-Za-z0-9 .,:_/!=<>&|^(){}*+-]+$/,
    'a rule is one line of A-Z, a-z, 0-9, space and .,:_/!=<>&|^(){}*+- : no quotes, comments, ";" or names of sets',
  )
  .transform((text) => text.trim().replace(/ +/g, ' '))
  .refine(bracesPair, 'braces are for sets like { 80, 443 }, one at a time')
  .refine((text) => form.test(text), 'a rule ends with accept, drop or reject');

export interface RuleParts {
  /** Empty: every packet. */
  readonly matches: string;
  readonly verdict: string;
}

/** @throws Error for what `ruleText` does not let through */
export function ruleParts(rule: string): RuleParts {
  const { matches = '', verdict } = form.exec(rule)?.groups ?? {};
  if (verdict === undefined) throw new Error(`no rule: ${rule}`);
  return { matches, verdict };
}

const echo = z.looseObject({
  nftables: z.array(
    z.looseObject({
      add: z.looseObject({ rule: z.looseObject({ expr: z.array(z.looseObject({})) }).optional() }).optional(),
    }),
  ),
});

/** What an entry may do, in the names of libnftables-json(5). All else would change packets or leave the chain. */
const allowed: ReadonlySet<string> = new Set(['match', 'limit', 'ct count', 'accept', 'drop', 'reject']);

/** Every text in a value, however deep. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value !== null && typeof value === 'object'
      ? Object.values(value).flatMap(textsIn)
      : [];

const isAddress = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

/** Addresses that stand in the text of a rule, and those of the networks that they are in. */
function addressesIn(rule: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const part of rule.split(/[ ,{}()!=<>&|^-]+/)) {
    const [address = '', bits] = part.split('/');
    if (!isAddress(address)) continue;
    found.add(ipaddr.parse(address).toString());
    const family = address.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
    if (bits !== undefined && family.isValidCIDR(part)) found.add(family.networkAddressFromCIDR(part).toString());
  }
  return found;
}

/**
 * Why a rule that nft has taken must not be an entry all the same; undefined: it may.
 * @param printed what `nft --json --echo` printed of it
 * @throws Error for what is no such print
 */
export function refusalOf(rule: string, printed: string): string | undefined {
  const rules = echo.parse(JSON.parse(printed)).nftables.flatMap(({ add }) => add?.rule ?? []);
  const [only, ...more] = rules;
  if (only === undefined || more.length > 0) return 'it is not one rule';
  const strange = only.expr.flatMap((statement) => Object.keys(statement)).find((name) => !allowed.has(name));
  if (strange !== undefined) return `an entry only matches, limits and decides; it cannot have "${strange}"`;
  const written = addressesIn(rule);
  // nft asks the name service once, as it loads; each node could hear another answer.
  const named = textsIn(only.expr).find((text) => isAddress(text) && !written.has(ipaddr.parse(text).toString()));
  return named === undefined ? undefined : `${named} is not in its text: write addresses, not names of hosts`;
}

/** What nft says on standard error, for people: the first reason, and the words that it points at. */
export function reasonOf(stderr: string): string {
  const lines = stderr.split('\n');
  const at = lines.findIndex((line) => line.includes('Error: '));
  const [, reason] = /Error: (.*)$/.exec(lines[at] ?? '') ?? [];
  if (reason === undefined) return stderr.trim() || 'no reason given';
  const [source = '', pointer = ''] = lines.slice(at + 1);
  const words = /^[\s^~]+$/.test(pointer) ? source.slice(pointer.search(/[\^~]/), pointer.trimEnd().length).trim() : '';
  return words === '' ? reason : `${reason}, at "${words}"`;
}
