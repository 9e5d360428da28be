/** What to do so that PowerDNS on this node tells what the cluster knows: pure, from what is seen. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import { dnskeyText, keyTag } from '../dnssec/zone-key.ts';
import type { HeldContents } from '../server/api.ts';
import {
  type ApiCall,
  createCall,
  createHiddenCall,
  deleteCall,
  deleteKeyCall,
  notifyCall,
  patchCall,
  rectifyAlwaysCall,
  rectifyCall,
} from './zone-calls.ts';
import type { ZoneSpec } from './zone-kind.ts';
import { nextSerial, soaOf, withSoa, type Zone } from './zones.ts';

export interface SerialStep extends Step {
  readonly do: 'serials';
  readonly serials: ReadonlyMap<string, ZoneSpec>;
}

export interface CallStep extends Step {
  readonly do: 'call';
  readonly zone: string;
  readonly call: ApiCall;
}

/** Has PowerDNS sign with a key. Only who does it reads the private half. */
export interface KeyStep extends Step {
  readonly do: 'key';
  readonly zone: string;
  readonly publicKey: string;
}

type ToldStep = CallStep | KeyStep;
export type ZoneStep = SerialStep | ToldStep;

export interface ZoneView {
  readonly wanted: readonly Zone[];
  /** What the store says of serials. */
  readonly serials: ReadonlyMap<string, ZoneSpec>;
  /** Zones that PowerDNS has, with the serial of each. */
  readonly held: ReadonlyMap<string, number>;
  /** The records and keys of those that must be looked at. */
  readonly looked: ReadonlyMap<string, HeldContents>;
  /** Zones of which PowerDNS refused the last call: a step that fails keeps those after it from being done. */
  readonly refused: ReadonlySet<string>;
  readonly primary: boolean;
  /** Whether PowerDNS here has the zones that all coordinators have: then the primary tells for all of them. */
  readonly shared: boolean;
  /** Whether there is anybody to be told of changes. */
  readonly secondaries: boolean;
}

/** Changes tell themselves; this is for what nobody told. */
const lookMs = 10_000;
const stepMs = 30_000;

/** Whether PowerDNS has a zone as it is to be, as far as serials tell. */
export const isSettled = (zone: Zone, { serials, held }: Pick<ZoneView, 'serials' | 'held'>): boolean => {
  const known = serials.get(zone.name);
  return known?.digest === zone.digest && held.get(zone.name) === known.serial;
};

/** The serials as they are to be; the primary writes them down before anybody sees one. */
function newSerials({ wanted, serials }: ZoneView, nowMs: number): Map<string, ZoneSpec> {
  return new Map(
    wanted.map(({ name, digest }) => {
      const known = serials.get(name);
      return [name, known?.digest === digest ? known : { serial: nextSerial(known?.serial, nowMs), digest }];
    }),
  );
}

/** Serials are of the time: this one is never right, so a zone that was left so is seen to be unfinished. */
const hiddenSerial = 1;

const call = (zone: string, text: string, what: ApiCall): CallStep => ({
  ...{ do: 'call', text, timeoutMs: stepMs },
  ...{ zone, call: what },
});

/**
 * From the keys that PowerDNS has to those that it is to have. The new ones come first, so that a zone that is signed
 * stays signed; and all before the serial, which says that they are there.
 */
function keySteps({ name, keys }: Zone, { keys: held, keptInOrder }: HeldContents): ToldStep[] {
  const has = new Set(held.filter(({ used }) => used).map(({ dnskey }) => dnskey));
  const wanted = new Set(keys.map(dnskeyText));
  const missing = keys.filter((key) => !has.has(dnskeyText(key)));
  const first = new Map(
    held
      .filter(({ used }) => used)
      .map((key) => [key.dnskey, key.id] as const)
      .toReversed(),
  );
  const stale = held.filter(({ dnskey, id, used }) => !used || !wanted.has(dnskey) || first.get(dnskey) !== id);
  return [
    ...(keptInOrder || keys.length === 0
      ? []
      : [call(name, `have PowerDNS keep ${name} in order`, rectifyAlwaysCall(name))]),
    ...missing.map(
      (publicKey): KeyStep => ({
        ...{ do: 'key', text: `have PowerDNS sign ${name} with the key ${keyTag(publicKey)}`, timeoutMs: stepMs },
        ...{ zone: name, publicKey },
      }),
    ),
    ...stale.map(({ id }) => call(name, `take a key of ${name} from PowerDNS`, deleteKeyCall(name, id))),
  ];
}

function zoneSteps(zone: Zone, serial: number, view: ZoneView): ToldStep[] {
  const { name, keys } = zone;
  const sets = withSoa(zone, serial);
  const text = `tell PowerDNS what is in ${name}`;
  const steps: ToldStep[] = [];
  const patch = (actual: HeldContents): void => {
    const ofKeys = keySteps(zone, actual);
    const changes = patchCall(name, sets, actual.sets);
    steps.push(...ofKeys);
    if (changes !== undefined) steps.push(call(name, text, changes));
    else if (ofKeys.length > 0 && keys.length > 0)
      steps.push(call(name, `have PowerDNS put ${name} in order`, rectifyCall(name)));
  };
  if (view.held.has(name)) {
    const actual = view.looked.get(name);
    if (actual !== undefined) patch(actual);
  } else if (keys.length === 0) steps.push(call(name, text, createCall(name, sets)));
  else {
    steps.push(call(name, `make ${name} in PowerDNS`, createHiddenCall(name, soaOf(zone, hiddenSerial))));
    patch({ sets: [], keys: [], keptInOrder: false });
  }
  if (steps.length > 0 && view.primary && view.secondaries)
    steps.push(call(name, `tell the secondaries of ${name}`, notifyCall(name)));
  return steps;
}

export function planZones(view: ZoneView, nowMs: number): ReconcilePlan<ZoneStep> {
  const { wanted, primary, shared } = view;
  if (shared && !primary) return { steps: [], againInMs: lookMs };
  const serials = primary ? newSerials(view, nowMs) : view.serials;
  const names = new Set(wanted.map(({ name }) => name));
  const stale = [...view.serials.keys()].some((name) => !names.has(name));
  const renumbered = wanted.some(({ name }) => serials.get(name) !== view.serials.get(name));
  const first: ZoneStep[] =
    primary && (stale || renumbered)
      ? [{ do: 'serials', text: 'count up the serials of zones', timeoutMs: stepMs, serials }]
      : [];
  const calls: ToldStep[] = [...view.held.keys()]
    .filter((name) => !names.has(name))
    .map((zone) => call(zone, `take ${zone} from PowerDNS`, deleteCall(zone)));
  for (const zone of wanted) {
    // Without a serial yet: the document that the primary writes wakes this node again.
    const known = serials.get(zone.name);
    if (known !== undefined) calls.push(...zoneSteps(zone, known.serial, view));
  }
  const isLast = ({ zone }: ToldStep): boolean => view.refused.has(zone);
  return {
    steps: [...first, ...calls.filter((step) => !isLast(step)), ...calls.filter(isLast)],
    againInMs: lookMs,
  };
}
