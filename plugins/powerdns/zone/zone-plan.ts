/** What to do so that PowerDNS on this node tells what the cluster knows: pure, from what is seen. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import { type ApiCall, createCall, deleteCall, notifyCall, patchCall } from './zone-calls.ts';
import type { ZoneSpec } from './zone-kind.ts';
import { nextSerial, type RecordSet, withSoa, type Zone } from './zones.ts';

export interface SerialStep extends Step {
  readonly do: 'serials';
  readonly serials: ReadonlyMap<string, ZoneSpec>;
}

export interface CallStep extends Step {
  readonly do: 'call';
  readonly call: ApiCall;
}

export type ZoneStep = SerialStep | CallStep;

export interface ZoneView {
  readonly wanted: readonly Zone[];
  /** What the store says of serials. */
  readonly serials: ReadonlyMap<string, ZoneSpec>;
  /** Zones that PowerDNS has, with the serial of each. */
  readonly held: ReadonlyMap<string, number>;
  /** The records of those that must be looked at. */
  readonly looked: ReadonlyMap<string, readonly RecordSet[]>;
  readonly primary: boolean;
  /** Whether there is anybody to be told of changes. */
  readonly secondaries: boolean;
}

/** Changes tell themselves; this is for what nobody told. */
const lookMs = 10_000;
/** The primary is about to write the serial of a zone. */
const waitMs = 300;
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

function zoneSteps(zone: Zone, serial: number, view: ZoneView): CallStep[] {
  const { name } = zone;
  const sets = withSoa(zone, serial);
  const actual = view.looked.get(name);
  const call = view.held.has(name) ? actual && patchCall(name, sets, actual) : createCall(name, sets);
  if (call === undefined) return [];
  const tell = view.primary && view.secondaries;
  return [
    { do: 'call', text: `tell PowerDNS what is in ${name}`, timeoutMs: stepMs, call },
    ...(tell
      ? [{ do: 'call', text: `tell the secondaries of ${name}`, timeoutMs: stepMs, call: notifyCall(name) } as const]
      : []),
  ];
}

export function planZones(view: ZoneView, nowMs: number): ReconcilePlan<ZoneStep> {
  const { wanted, primary } = view;
  const serials = primary ? newSerials(view, nowMs) : view.serials;
  const names = new Set(wanted.map(({ name }) => name));
  const stale = [...view.serials.keys()].some((name) => !names.has(name));
  const renumbered = wanted.some(({ name }) => serials.get(name) !== view.serials.get(name));
  const steps: ZoneStep[] = [];
  if (primary && (stale || renumbered))
    steps.push({ do: 'serials', text: 'count up the serials of zones', timeoutMs: stepMs, serials });
  for (const name of view.held.keys())
    if (!names.has(name))
      steps.push({ do: 'call', text: `take ${name} from PowerDNS`, timeoutMs: stepMs, call: deleteCall(name) });
  let waiting = false;
  for (const zone of wanted) {
    const known = serials.get(zone.name);
    if (known === undefined) waiting = true;
    else steps.push(...zoneSteps(zone, known.serial, view));
    if (known !== undefined && known.digest !== zone.digest) waiting = true;
  }
  return { steps, againInMs: waiting ? waitMs : lookMs };
}
