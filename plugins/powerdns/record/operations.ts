/** Names in the networks: enter, remove, list. @module */
import { defineMutation, defineQuery, errorText, names, type Runtime, z } from '../../../core/plugin/api.ts';
import { fitsDns, recordName, wholeName } from '../zone/dns-name.ts';
import { entriesOf, gatewayName, serverName } from '../zone/entries.ts';
import { type Entry, type Facts, type ManualRecord, recordTypes, sources } from '../zone/entry.ts';
import { needDomain } from '../zone/networks.ts';
import type { DnsSources } from '../zone/sources.ts';
import { readContent } from './content.ts';
import { dnsRecord, pdnsError, recordId, recordSpec, ttlSeconds } from './record-kind.ts';
import { renderEntries } from './render.ts';

const entryRow = z.object({
  network: z.string().nullable().describe('null: of no single network'),
  zone: z.string().nullable().describe('null: its network has no domain'),
  name: z.string().describe('the whole name; without a domain, what stands before it'),
  type: z.enum([...recordTypes, 'NS', 'PTR']),
  content: z.string(),
  ttl: z.int().describe('seconds'),
  source: z.enum(sources).describe('where it comes from: entered by somebody, PVC itself, DHCP'),
  hidden: z.string().nullable().describe('what comes before it, so that it is not told; null: it is'),
});
export type EntryRow = z.output<typeof entryRow>;

const answer = z.object({
  network: z.string(),
  name: z.string().describe('the whole name'),
  type: z.enum(recordTypes),
});

/** What the operations ask of the running daemon. */
export interface RecordParts {
  readonly runtime: Pick<Runtime, 'documents'>;
  readonly dns: DnsSources;
}

const networkArgument = { field: 'network', complete: 'network' } as const;
const typeField = z.string().toUpperCase().pipe(z.enum(recordTypes)).describe(recordTypes.join(', '));

/**
 * What may not stand beside the record, given all others of its whole name.
 * @param own whether PVC itself has records of that name
 * @throws PvcError DNS_RECORD_EXISTS, DNS_ALIAS_ALONE
 */
export function refuseClash(
  { type, content, network }: ManualRecord,
  name: string,
  others: readonly ManualRecord[],
  own: boolean,
): void {
  if (others.some((other) => other.type === type && other.content === content))
    throw pdnsError('DNS_RECORD_EXISTS', { network, name, type, content });
  const alias = others.find((other) => other.type === 'CNAME');
  const clash = type === 'CNAME' ? (others[0] ?? alias) : alias;
  if (clash !== undefined)
    throw pdnsError('DNS_ALIAS_ALONE', { name, type, other: `it has the ${clash.type} record ${clash.content}` });
  if (type === 'CNAME' && own) throw pdnsError('DNS_ALIAS_ALONE', { name, type, other: 'it is a name of PVC itself' });
}

/** Names that PVC itself answers with: domains, their name servers and gateways. */
const isOwn = (name: string, domains: readonly string[]): boolean =>
  domains.some((domain) => [domain, wholeName(gatewayName, domain), wholeName(serverName, domain)].includes(name));

const rowOf = ({ hidden, ...entry }: Entry): EntryRow => ({ ...entry, hidden: hidden ?? null });

/** Records of networks that have no domain (any more): they wait for one. */
const homeless = ({ networks, records }: Facts): EntryRow[] =>
  records
    .filter(({ network }) => (networks.find(({ name }) => name === network)?.domain ?? null) === null)
    .map((record) => ({ ...record, zone: null, source: 'manual', hidden: 'no domain' }));

/** Names first, addresses after them; in each zone by name from its end. */
const sortKey = ({ zone, name, type, content }: EntryRow): string =>
  `${zone?.endsWith('.arpa') === true ? 1 : 0} ${zone ?? ''} ${name.split('.').toReversed().join('.')} ${type} ${content}`;

export function recordOperations(parts: () => RecordParts) {
  return [
    defineMutation({
      name: 'network.dns-add',
      summary: 'Enter a name in the domain of a network',
      description:
        'Guests that get an address by DHCP, and reservations, have their names by themselves. A manual address or alias comes before those of the same name.',
      http: { method: 'POST', path: '/networks/{network}/dns' },
      cli: {
        command: 'network dns add',
        arguments: [networkArgument, { field: 'name' }, { field: 'type', complete: recordTypes }, { field: 'content' }],
        options: { ttl: { value: 'SECONDS' } },
        examples: [
          'pvc network dns add office www A 10.20.0.10',
          'pvc network dns add office mail CNAME www --ttl 60',
          'pvc network dns add office @ MX "10 mail"',
          'pvc network dns add office _sip._tcp SRV "10 20 5060 www"',
          'pvc network dns add office @ TXT "v=spf1 mx -all"',
        ],
      },
      role: 'operator',
      input: z.strictObject({
        network: names.objectName.describe('name of the network'),
        name: recordName.describe('its name below the domain; @ is the domain itself, * any other name'),
        type: typeField,
        content: z.string().min(1).max(2_048).describe('what it holds; a name without a dot is one in the same domain'),
        ttl: ttlSeconds.default(300).describe('for how long others may remember it, seconds'),
      }),
      output: answer,
      async plan(plan, { view }, { network, name, type, content: given, ttl }) {
        const networks = await parts().dns.networks();
        const domain = needDomain(networks, network);
        const whole = wholeName(name, domain);
        if (!fitsDns(whole)) throw pdnsError('DNS_NAME_LONG', { name: whole });
        const record: ManualRecord = recordSpec.parse({
          ...{ network, name, type, ttl },
          content: contentOf(type, whole, given),
        });
        const domainOf = new Map(networks.map((one) => [one.name, one.domain]));
        const others = (await view.list(dnsRecord))
          .map(({ spec }) => spec)
          .filter((spec) => whole === wholeName(spec.name, domainOf.get(spec.network) ?? ''));
        const domains = networks.flatMap((one) => one.domain ?? []);
        refuseClash(record, whole, others, isOwn(whole, domains));
        plan.create(dnsRecord, recordId(record), record);
        plan.act(`answer for ${whole} ${type}: ${record.content}`);
        return { network, name: whole, type };
      },
    }),
    defineMutation({
      name: 'network.dns-remove',
      summary: 'Remove names that somebody entered',
      http: { method: 'DELETE', path: '/networks/{network}/dns/{name}/{type}' },
      cli: {
        command: 'network dns remove',
        aliases: ['rm'],
        arguments: [networkArgument, { field: 'name' }, { field: 'type', complete: recordTypes }],
        options: { content: { value: 'CONTENT' } },
        confirm: 'Remove the {type} record {name} of {network}?',
        examples: ['pvc network dns remove office www A', 'pvc network dns remove office www A --content 10.20.0.10'],
      },
      role: 'operator',
      input: z.strictObject({
        network: names.objectName.describe('name of the network'),
        name: recordName.describe('its name below the domain; @ is the domain itself'),
        type: typeField,
        content: z
          .string()
          .min(1)
          .max(2_048)
          .optional()
          .describe('only the one that holds this (all of that name and type)'),
      }),
      output: answer,
      async plan(plan, { view }, { network, name, type, content: given }) {
        const content = given === undefined ? undefined : contentOf(type, name, given);
        const found = (await view.list(dnsRecord)).filter(
          ({ spec }) =>
            spec.network === network &&
            spec.name === name &&
            spec.type === type &&
            (content === undefined || spec.content === content),
        );
        if (found.length === 0) throw pdnsError('DNS_RECORD_NOT_FOUND', { network, name, type });
        for (const doc of found) {
          plan.remove(dnsRecord, doc);
          plan.act(`answer for ${name} in ${network} no more with ${type} ${doc.spec.content}`);
        }
        return { network, name, type };
      },
    }),
    defineQuery({
      name: 'network.dns-list',
      summary: 'List the names in the networks, and where each comes from',
      http: { method: 'GET', path: '/dns' },
      cli: {
        command: 'network dns list',
        arguments: [networkArgument],
        render: renderEntries,
        examples: ['pvc network dns list', 'pvc network dns list office'],
      },
      role: 'viewer',
      input: z.strictObject({
        network: names.objectName.optional().describe('only names of this network, and of its domain'),
      }),
      output: z.array(entryRow),
      async run(_context, { network }): Promise<EntryRow[]> {
        const facts = await parts().dns.facts();
        const found = facts.networks.find(({ name }) => name === network);
        if (network !== undefined && found === undefined) throw pdnsError('DNS_NO_NETWORK', { network });
        return [...entriesOf(facts).map(rowOf), ...homeless(facts)]
          .filter(
            (row) =>
              network === undefined || row.network === network || (row.zone !== null && row.zone === found?.domain),
          )
          .map((row) => ({ row, key: sortKey(row) }))
          .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
          .map(({ row }) => row);
      },
    }),
  ];
}

/** @throws PvcError DNS_CONTENT */
function contentOf(type: (typeof recordTypes)[number], name: string, content: string): string {
  try {
    return readContent(type, content);
  } catch (error) {
    throw pdnsError('DNS_CONTENT', { type, name, content, reason: errorText(error) }, { cause: error });
  }
}
