/** What a record of each type may hold: read from what somebody typed, and written as PowerDNS takes it. Pure. @module */
import { addressText, z } from '../../../core/plugin/api.ts';
import { recordName, wholeName } from '../zone/dns-name.ts';
import type { RecordType } from '../zone/entry.ts';

const mostText = 2_048;
/** Octets of one string of a TXT record, RFC 1035, section 3.3. */
const stringLength = 255;

/** A host that a record points to: one label is a name in the domain of the network, more are a whole name. */
const target = z
  .string()
  .toLowerCase()
  .transform((text) => (text.length > 1 && text.endsWith('.') ? text.slice(0, -1) : text))
  .refine(
    (text) => !text.includes('*') && text !== '@' && recordName.safeParse(text).success,
    'it points to a name: one in the domain of the network (mail), or a whole one (mail.example.com)',
  );
/** "." says that there is no such service (RFC 2782, RFC 7505). */
const targetOrNone = z.union([z.literal('.'), target], {
  error:
    'it points to a name: one in the domain of the network (mail), a whole one (mail.example.com), or "." for none',
});
const number = z.coerce.number().int().min(0).max(65_535);

/** Words of a content, each with its own schema. */
const words = (what: string, parts: readonly z.ZodType<string | number>[]) =>
  z.string().transform((text, context) => {
    const given = text.trim().split(/\s+/);
    const read = parts.map((part, index) => part.safeParse(given[index] ?? ''));
    if (given.length !== parts.length || read.some(({ success }) => !success)) {
      const reason =
        given.length === parts.length ? read.find(({ error }) => error)?.error?.issues[0]?.message : undefined;
      context.addIssue({ code: 'custom', message: `it is ${what}${reason === undefined ? '' : `: ${reason}`}` });
      return z.NEVER;
    }
    return read.map(({ data }) => String(data)).join(' ');
  });

const schemas: Readonly<Record<RecordType, z.ZodType<string, string>>> = {
  A: z.ipv4('it is an IPv4 address'),
  AAAA: z.ipv6('it is an IPv6 address').transform((text) => addressText(text)),
  CNAME: target,
  TXT: z
    .string()
    .min(1)
    .max(mostText)
    .regex(/^[\u0020-\u007e]*$/, `it is a text of up to ${mostText} printable ASCII characters`),
  MX: words('a preference and a name (10 mail)', [number, targetOrNone]),
  SRV: words('a priority, a weight, a port and a name (10 20 5060 sip)', [number, number, number, targetOrNone]),
};

/**
 * @returns the content as it is kept
 * @throws Error with what is wrong with it
 */
export function readContent(type: RecordType, text: string): string {
  const read = schemas[type].safeParse(text);
  if (read.success) return read.data;
  throw new Error(read.error.issues[0]?.message ?? 'it cannot be read');
}

const absolute = (name: string, domain: string): string =>
  name === '.' ? name : `${name.includes('.') ? name : wholeName(name, domain)}.`;

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** The content as PowerDNS takes it. @param domain in which its short names are */
export function writtenContent(type: RecordType, content: string, domain: string): string {
  if (type === 'TXT') return (content.match(new RegExp(`.{1,${stringLength}}`, 'g')) ?? []).map(quoted).join(' ');
  if (type === 'A' || type === 'AAAA') return content;
  const parts = content.split(' ');
  return [...parts.slice(0, -1), absolute(parts.at(-1) ?? '', domain)].join(' ');
}
