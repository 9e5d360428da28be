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
  readonly zone: string;
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

function zoneSteps(zone: Zone, serial: number, view: ZoneView): CallStep[] {
  const { name } = zone;
  const sets = withSoa(zone, serial);
  const actual = view.looked.get(name);
  const call = view.held.has(name) ? actual && patchCall(name, sets, actual) : createCall(name, sets);
  if (call === undefined) return [];
  const tell = view.primary && view.secondaries;
  return [
    { do: 'call', text: `tell PowerDNS what is in ${name}`, timeoutMs: stepMs, zone: name, call },
    ...(tell
      ? [
          {
            do: 'call',
            text: `tell the secondaries of ${name}`,
            timeoutMs: stepMs,
            zone: name,
            call: notifyCall(name),
          } as const,
        ]
      : []),
  ];
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
  const calls: CallStep[] = [...view.held.keys()]
    .filter((name) => !names.has(name))
    .map((zone) => ({
      do: 'call',
      ...{ text: `take ${zone} from PowerDNS`, timeoutMs: stepMs },
      ...{ zone, call: deleteCall(zone) },
    }));
  for (const zone of wanted) {
    // Without a serial yet: the document that the primary writes wakes this node again.
    const known = serials.get(zone.name);
    if (known !== undefined) calls.push(...zoneSteps(zone, known.serial, view));
  }
  const isLast = ({ zone }: CallStep): boolean => view.refused.has(zone);
  return {
    steps: [...first, ...calls.filter((step) => !isLast(step)), ...calls.filter(isLast)],
    againInMs: lookMs,
  };
}
