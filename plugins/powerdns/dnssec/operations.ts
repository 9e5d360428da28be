/** Signing of zones (DNSSEC): sign, sign anew, unsign, show what the parent zone needs. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  names,
  type PlanBuilder,
  type PlanContext,
  type QueryContext,
  z,
} from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import { entriesOf } from '../zone/entries.ts';
import type { NamedNetwork } from '../zone/entry.ts';
import { needDomain, networkZones } from '../zone/networks.ts';
import type { DnsSources } from '../zone/sources.ts';
import { dnsZone } from '../zone/zone-kind.ts';
import { zonesOf } from '../zone/zones.ts';
import { renderKeys } from './render.ts';
import { signingOf, weekOf } from './signing.ts';
import { dnsKey, dnsSigning, mostKeys, type SigningSpec } from './signing-kind.ts';
import { algorithm, algorithmName, dnskeyText, dsText, type KeyPair, keyIdOf, keyTag, newKey } from './zone-key.ts';

type Signing = Doc<SigningSpec, null>;

const keyRow = z.object({
  zone: z.string(),
  network: z.string().describe('the network by which it was signed'),
  keyTag: z.int().describe('the number by which signatures and DS records name the key'),
  algorithm: z.literal(algorithm),
  algorithmName: z.literal(algorithmName),
  state: z
    .enum(['signing', 'waiting', 'unused'])
    .describe(
      'signing: it signs the zone; waiting: the primary has not come to it yet; unused: there is no such zone any more, since its network got another domain or prefix',
    ),
  sinceMs: z.int().describe('when it was made'),
  dnskey: z.string().describe('the DNSKEY record, as the zone has it'),
  ds: z.string().describe('the DS record that the parent zone is to have'),
});
export type KeyRow = z.output<typeof keyRow>;

/** What the operations ask of the running daemon. */
export interface SigningParts {
  readonly dns: DnsSources;
}

const networkArgument = { field: 'network', complete: 'network' } as const;
const networkField = names.objectName.describe('name of the network');
const answer = z.object({ network: z.string(), zones: z.array(z.string()).describe('those that were changed') });

const tagsOf = ({ spec }: Signing): number[] => spec.keys.map(({ publicKey }) => keyTag(publicKey));

/** Adds a key to each zone. Tags differ in the whole cluster, so that one number is enough to say which key is meant. */
function addKeys(plan: PlanBuilder, context: PlanContext, signings: readonly Signing[]) {
  const taken = new Set(signings.flatMap(tagsOf));
  const draw = (): KeyPair => {
    for (;;) {
      const pair = newKey((length) => context.bytes(length));
      if (!taken.has(keyTag(pair.publicKey))) return pair;
    }
  };
  return (): SigningSpec['keys'][number] => {
    const { publicKey, privateKey } = draw();
    taken.add(keyTag(publicKey));
    plan.create(dnsKey, keyIdOf(publicKey), { privateKey });
    return { publicKey, sinceMs: context.nowMs };
  };
}

async function forget(
  plan: PlanBuilder,
  { view }: Pick<PlanContext, 'view'>,
  keys: SigningSpec['keys'],
): Promise<void> {
  for (const { publicKey } of keys) {
    const secret = await view.get(dnsKey, keyIdOf(publicKey));
    if (secret !== undefined) plan.remove(dnsKey, secret);
  }
}

/** What is to be signed, or signed anew: zones of a network, and what is signed in the whole cluster. */
interface Wish {
  readonly network: string;
  readonly zones: readonly string[];
  readonly all: readonly Signing[];
}

/** @throws PvcError DNS_SIGNED */
function signAll(plan: PlanBuilder, context: PlanContext, { network, zones, all }: Wish) {
  const signed = new Map(all.map((doc) => [doc.id, doc]));
  const fresh = zones.filter((zone) => !signed.has(zone));
  const by = signed.get(zones[0] ?? '')?.spec.network ?? network;
  if (fresh.length === 0) throw pdnsError('DNS_SIGNED', { zones: zones.join(', '), network, by });
  const add = addKeys(plan, context, all);
  for (const zone of fresh) {
    const key = add();
    plan.create(dnsSigning, zone, { network, keys: [key] });
    plan.act(`sign ${zone} with the key ${keyTag(key.publicKey)}`);
  }
  plan.act(`nobody checks the signatures until the parent zones have the DS records: pvc network dns keys ${network}`);
  return fresh;
}

/** @throws PvcError DNS_NOT_SIGNED, DNS_TWO_KEYS */
function signAnew(plan: PlanBuilder, context: PlanContext, { network, zones, all }: Wish) {
  const signed = new Map(all.map((doc) => [doc.id, doc]));
  const add = addKeys(plan, context, all);
  for (const zone of zones) {
    const doc = signed.get(zone);
    if (doc?.spec.network !== network) throw pdnsError('DNS_NOT_SIGNED', { what: zone, network });
    if (doc.spec.keys.length >= mostKeys)
      throw pdnsError('DNS_TWO_KEYS', { zone, network, tags: tagsOf(doc).join(' and '), old: tagsOf(doc)[0] ?? '' });
    const key = add();
    plan.update(dnsSigning, doc, { ...doc.spec, keys: [...doc.spec.keys, key] });
    plan.act(`sign ${zone} with the key ${keyTag(key.publicKey)} as well as with ${tagsOf(doc).join(', ')}`);
  }
  plan.warn(
    `Have the parent zones name the new key in place of the old one (pvc network dns keys ${network}), wait for as long as their old DS records may be remembered, then take the old key away with --key of pvc network dns unsign.`,
  );
  return [...zones];
}

/** @throws PvcError DNS_KEY_NOT_FOUND, DNS_LAST_KEY */
async function dropKey(
  plan: PlanBuilder,
  context: PlanContext,
  network: string,
  signings: readonly Signing[],
  tag: number,
) {
  const doc = signings.find((one) => tagsOf(one).includes(tag));
  if (doc === undefined) throw pdnsError('DNS_KEY_NOT_FOUND', { tag, network });
  const keep = doc.spec.keys.filter(({ publicKey }) => keyTag(publicKey) !== tag);
  if (keep.length === 0) throw pdnsError('DNS_LAST_KEY', { tag, zone: doc.id, network });
  plan.update(dnsSigning, doc, { ...doc.spec, keys: keep });
  await forget(
    plan,
    context,
    doc.spec.keys.filter((key) => !keep.includes(key)),
  );
  plan.act(`sign ${doc.id} no more with the key ${tag}, and forget it`);
  plan.warn(
    `A parent zone that names only the key ${tag} of ${doc.id} makes all of its names fail: it must have named another one for as long as its DS records may be remembered.`,
  );
  return [doc.id];
}

async function unsignAll(plan: PlanBuilder, context: PlanContext, signings: readonly Signing[]) {
  for (const doc of signings) {
    plan.remove(dnsSigning, doc);
    await forget(plan, context, doc.spec.keys);
    plan.act(`tell ${doc.id} without signatures, and forget its key ${tagsOf(doc).join(', ')}`);
  }
  plan.warn(
    'Where a parent zone still has a DS record, or somebody may remember one, all names of the zone fail for whoever checks signatures. The keys cannot be had again.',
  );
  return signings.map(({ id }) => id);
}

const zonesOfAll = (networks: readonly NamedNetwork[], network: string | undefined): ReadonlySet<string> =>
  new Set(networks.filter(({ name }) => name === network).flatMap((one) => networkZones(one)));

async function keyRows(
  parts: SigningParts,
  { view, nowMs }: QueryContext,
  network: string | undefined,
): Promise<KeyRow[]> {
  const facts = await parts.dns.facts();
  if (network !== undefined && facts.networks.every(({ name }) => name !== network))
    throw pdnsError('DNS_NO_NETWORK', { network });
  const [signings, serials] = await Promise.all([view.list(dnsSigning), view.list(dnsZone)]);
  const own = zonesOfAll(facts.networks, network);
  const zones = new Map(zonesOf(entriesOf(facts), signingOf(signings, weekOf(nowMs))).map((zone) => [zone.name, zone]));
  const told = new Map(serials.map(({ id, spec }) => [id, spec.digest]));
  return signings
    .filter(({ id, spec }) => network === undefined || spec.network === network || own.has(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap(({ id, spec }) => {
      const zone = zones.get(id);
      const state = zone === undefined ? 'unused' : told.get(id) === zone.digest ? 'signing' : 'waiting';
      return spec.keys.map(
        ({ publicKey, sinceMs }): KeyRow => ({
          ...{ zone: id, network: spec.network, keyTag: keyTag(publicKey), algorithm, algorithmName, state, sinceMs },
          dnskey: `${id}. IN DNSKEY ${dnskeyText(publicKey)}`,
          ds: `${id}. IN DS ${dsText(id, publicKey)}`,
        }),
      );
    });
}

export function signingOperations(parts: () => SigningParts) {
  return [
    defineMutation({
      name: 'network.dns-sign',
      summary: 'Sign the domain of a network (DNSSEC)',
      description:
        'Each zone gets one key (ECDSA P-256, algorithm 13), which all coordinators sign with. Signatures count only once the parent zone has the DS record that `pvc network dns keys` shows. With --new-key a signed zone gets a second key and is signed with both, until `pvc network dns unsign --key` takes the old one away.',
      http: { method: 'PUT', path: '/networks/{network}/dnssec' },
      cli: {
        command: 'network dns sign',
        arguments: [networkArgument],
        examples: [
          'pvc network dns sign office',
          'pvc network dns sign office --reverse',
          'pvc network dns sign office --new-key',
        ],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkField,
        reverse: z
          .boolean()
          .default(false)
          .describe('its reverse zones as well; worth it where their parent zones are signed'),
        newKey: z
          .boolean()
          .default(false)
          .describe('what is signed gets another key, to take the place of the old one'),
      }),
      output: answer,
      async plan(plan, context, { network, reverse, newKey: anew }) {
        const networks = await parts().dns.networks();
        const domain = needDomain(networks, network);
        const zones = reverse ? [...zonesOfAll(networks, network)] : [domain];
        const all = await context.view.list(dnsSigning);
        return { network, zones: (anew ? signAnew : signAll)(plan, context, { network, zones, all }) };
      },
    }),
    defineMutation({
      name: 'network.dns-unsign',
      summary: 'Tell the zones of a network without signatures, or take one of two keys away',
      description:
        'First have the parent zone remove its DS record, and wait for as long as that may be remembered (its TTL, often a day): until then, who checks signatures gets no names of the zone.',
      http: { method: 'DELETE', path: '/networks/{network}/dnssec' },
      cli: {
        command: 'network dns unsign',
        arguments: [networkArgument],
        options: { key: { value: 'TAG' } },
        confirm:
          'Take keys of {network} away for good? Its parent zones must have named them no more for as long as a DS record may be remembered, or names fail.',
        examples: ['pvc network dns unsign office', 'pvc network dns unsign office --key 55648'],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkField,
        key: z.int().min(0).max(65_535).optional().describe('only this one of two keys of a zone, by its tag'),
      }),
      output: answer,
      async plan(plan, context, { network, key }) {
        const networks = await parts().dns.networks();
        if (networks.every(({ name }) => name !== network)) throw pdnsError('DNS_NO_NETWORK', { network });
        const signings = (await context.view.list(dnsSigning)).filter(({ spec }) => spec.network === network);
        if (signings.length === 0) throw pdnsError('DNS_NOT_SIGNED', { what: 'any zone', network });
        const zones =
          key === undefined
            ? await unsignAll(plan, context, signings)
            : await dropKey(plan, context, network, signings, key);
        return { network, zones };
      },
    }),
    defineQuery({
      name: 'network.dns-keys',
      summary: 'Show the keys that zones are signed with, and the DS records for their parent zones',
      http: { method: 'GET', path: '/dns/keys' },
      cli: {
        command: 'network dns keys',
        arguments: [networkArgument],
        render: renderKeys,
        nameField: 'keyTag',
        examples: ['pvc network dns keys office', 'pvc network dns keys --format json'],
      },
      role: 'viewer',
      input: z.strictObject({ network: networkField.optional() }),
      output: z.array(keyRow),
      run: (context, { network }) => keyRows(parts(), context, network),
    }),
  ];
}
