/** Keeps the zones of this coordinator's PowerDNS as the cluster is. @module */
import {
  type AnyController,
  cluster,
  clusterId,
  defineController,
  isStoreAway,
  node as nodeKind,
  type Runtime,
  type Write,
} from '../../../core/plugin/api.ts';
import type { PowerdnsConfig } from '../config.ts';
import { signingOf, weekOf } from '../dnssec/signing.ts';
import { dnsKey, dnsSigning } from '../dnssec/signing-kind.ts';
import { keyIdOf, keyTag } from '../dnssec/zone-key.ts';
import { dnsRecord, pdnsError } from '../record/record-kind.ts';
import type { HeldContents, PdnsApi } from '../server/api.ts';
import type { Pdns } from '../server/pdns.ts';
import { entriesOf } from './entries.ts';
import type { DnsSources } from './sources.ts';
import { type ApiCall, addKeyCall } from './zone-calls.ts';
import { dnsZone, type ZoneSpec } from './zone-kind.ts';
import { isSettled, type KeyStep, planZones, type ZoneStep, type ZoneView } from './zone-plan.ts';
import { zonesOf } from './zones.ts';

/** Serials tell of every change of PVC; this finds those that somebody else made. */
const wholeLookMs = 600_000;
/** PowerDNS is on its way up. */
const silentMs = 500;
const roleWaitMs = 1_000;

/**
 * Kinds of this and other plugins whose objects have, or make, names. Not by the hook `event`: leases and serials are
 * bookkeeping, of which it does not tell.
 */
const namingKinds = [
  'network',
  'dhcp',
  'dhcp-reservation',
  'dhcp-lease',
  dnsRecord.name,
  dnsSigning.name,
  dnsZone.name,
];

/** Of a key of the store, `/dhcp-lease/…`. */
const kindOf = (key: string): string => key.split('/', 2)[1] ?? '';

export interface ZoneFigures {
  readonly zones: number;
  readonly records: number;
}

export interface ZoneWork {
  readonly controller: AnyController;
  /** As of the last look; undefined: PowerDNS does not run here. */
  figures(): ZoneFigures | undefined;
}

export function zoneWork(
  runtime: Runtime,
  config: PowerdnsConfig,
  pdns: Pdns,
  api: PdnsApi,
  dns: DnsSources,
): ZoneWork {
  const { documents, host } = runtime;
  const lookedMs = new Map<string, number>();
  const refused = new Set<string>();
  let figures: ZoneFigures | undefined;

  async function observe(): Promise<ZoneView | 'off' | 'silent'> {
    // While it is on its way up, or down, its keeper says so; and that of a database that all coordinators share.
    const backend = await pdns.backend();
    const shared = backend === 'galera';
    if (!pdns.serving || !(await pdns.answers()) || (shared && (await pdns.look(backend)).state === 'away')) {
      figures = undefined;
      return pdns.serving ? 'silent' : 'off';
    }
    // Serials before contents: what is newer than its serial only gets the next one.
    const docs = await documents.list(dnsZone);
    const signing = signingOf(await documents.list(dnsSigning), weekOf(host.clock.wallMs()));
    const wanted = zonesOf(entriesOf(await dns.facts()), signing);
    const serials = new Map(docs.map(({ id, spec }) => [id, spec]));
    const held = new Map((await api.zones()).map(({ name, serial }) => [name, serial]));
    figures = { zones: held.size, records: wanted.reduce((sum, { sets }) => sum + sets.length, 0) };
    const nowMs = host.clock.monotonicMs();
    const looked: [string, HeldContents][] = [];
    for (const zone of wanted) {
      const due = (lookedMs.get(zone.name) ?? Number.NEGATIVE_INFINITY) + wholeLookMs <= nowMs;
      if (!held.has(zone.name) || (!due && isSettled(zone, { serials, held }))) continue;
      looked.push([zone.name, await api.zone(zone.name)]);
      lookedMs.set(zone.name, nowMs);
    }
    return {
      ...{ wanted, serials, held, primary: runtime.isPrimary(), secondaries: config.secondaries.length > 0 },
      shared,
      ...{ looked: new Map(looked), refused: new Set(refused) },
    };
  }

  async function writeSerials(serials: ReadonlyMap<string, ZoneSpec>): Promise<void> {
    const docs = await documents.list(dnsZone);
    const known = new Map(docs.map((doc) => [doc.id, doc]));
    const writes = [
      ...docs.filter(({ id }) => !serials.has(id)).map((before): Write => ({ do: 'remove', kind: dnsZone, before })),
      ...[...serials].flatMap(([id, spec]): Write[] => {
        const before = known.get(id);
        if (before === undefined) return [{ do: 'create', kind: dnsZone, id, spec }];
        return before.spec.serial === spec.serial ? [] : [{ do: 'spec', kind: dnsZone, before, spec }];
      }),
    ];
    await runtime.write(writes, { asPrimary: true });
  }

  /** @throws PvcError DNS_KEY_LOST */
  async function keyCall({ zone, publicKey }: KeyStep): Promise<ApiCall> {
    const secret = await documents.get(dnsKey, keyIdOf(publicKey));
    if (secret === undefined) throw pdnsError('DNS_KEY_LOST', { zone, tag: keyTag(publicKey) });
    return addKeyCall(zone, secret.spec.privateKey);
  }

  async function tell(zone: string, call: ApiCall): Promise<void> {
    refused.add(zone);
    await api.call(call);
    refused.delete(zone);
  }

  /** Undefined: it is not known now. */
  async function ownRole(): Promise<'coordinator' | 'hypervisor' | undefined> {
    try {
      return (await documents.get(nodeKind, runtime.node))?.spec.role;
    } catch (error) {
      if (isStoreAway(error)) return undefined;
      throw error;
    }
  }

  const controller = defineController({
    name: 'dns-zones',
    summary: 'keeps the names that PowerDNS tells as the cluster is',
    kind: cluster,
    scope: 'node',
    observe,
    async watch(touch, signal) {
      while (!signal.aborted) {
        const role = await ownRole();
        // It tells no names, and need not hear of every change.
        if (role === 'hypervisor') return;
        if (role === 'coordinator')
          for await (const { resync, keys } of documents.store.watch(['all'], signal))
            if (resync || [...keys].some((key) => namingKinds.includes(kindOf(key)))) touch(clusterId);
        await host.clock.sleep(roleWaitMs, signal).catch(() => undefined);
      }
    },
    plan: (_doc, view, { nowMs }) =>
      typeof view === 'string'
        ? { steps: [], ...(view === 'silent' ? { againInMs: silentMs } : {}) }
        : planZones(view, nowMs),
    async apply(step: ZoneStep) {
      if (step.do === 'serials') return writeSerials(step.serials);
      return tell(step.zone, step.do === 'key' ? await keyCall(step) : step.call);
    },
  });
  return { controller, figures: () => figures };
}
