/**
 * What a node does for a guest: from its intent and what is observed to steps. Pure, so that plans,
 * controllers, tests and the simulator share it.
 * @module
 */
import type { ReconcilePlan, Step } from '../../core/plugin/api.ts';
import type { DeviceDiff } from './domain/device-diff.ts';
import type { XmlElement } from './domain/xml.ts';
import { endsTooOften } from './give-up-plan.ts';
import type { LiveGuest, VmDoc } from './guest-control.ts';
import type { Ends } from './guest-ends.ts';
import type { VmStatus } from './vm-kind.ts';

/** Everything that `planGuest` needs to know. */
export interface GuestObserved {
  /** False: libvirt does not answer, nothing is known. */
  readonly connected: boolean;
  readonly guest: LiveGuest | undefined;
  /** A task is at work on the guest: hands off. */
  readonly task: string | undefined;
  /** It belongs to another node, from which it is being moved here. */
  readonly coming?: boolean;
  /** Difference between the running guest and its document. */
  readonly differences: DeviceDiff | undefined;
  /** How often it has ended by itself lately, and when last (wall clock). */
  readonly ends: Ends;
  /** How long until its present run counts as steady, by libvirt's number of it. */
  readonly steadyInMs?: number;
  /** The machine goes down: nothing is started on it any more. */
  readonly leaving?: boolean;
  /** How it has just come here from another node. */
  readonly arrival?: VmStatus['arrived'];
}

export type GuestStep = Step &
  (
    | { readonly do: 'start' }
    | { readonly do: 'end' }
    | { readonly do: 'settle' }
    | { readonly do: 'give-up' | 'forgive' }
    | { readonly do: 'attach' | 'detach' | 'update'; readonly device: XmlElement }
  );

const startTimeoutMs = 90_000;
const endTimeoutMs = 60_000;
const deviceTimeoutMs = 30_000;
const writeTimeoutMs = 30_000;
const comingAgainMs = 1_000;
/** How soon it is looked again whether a task still holds a guest. */
const heldMs = 1_000;

/**
 * A guest that ends again and again is started after 0.5, 1, 2, 4 … seconds, at most a minute apart. The first
 * pause lets its end be seen, in its status and events.
 */
export const restartPauseMs = (ends: number): number => (ends <= 0 ? 0 : Math.min(60_000, 500 * 2 ** (ends - 1)));

/** Whether it ran on this node when it was last seen. */
const ranLast = ({ spec, status }: VmDoc): boolean =>
  status?.node === spec.node && ['running', 'paused', 'stopping', 'crashed'].includes(status.state);

const label = (device: XmlElement): string => {
  const attribute = (name: string, key: string): string | undefined => {
    const found = device.children.find((node): node is XmlElement => 'name' in node && node.name === name);
    return found?.attributes[key];
  };
  if (device.name === 'controller') return `the ${device.attributes['type']} controller`;
  return device.name === 'interface'
    ? `network card ${attribute('mac', 'address') ?? '?'}`
    : `${device.name} ${attribute('target', 'dev') ?? '?'}`;
};

export function planGuest(doc: VmDoc | undefined, observed: GuestObserved, name: string): ReconcilePlan<GuestStep> {
  const { connected, guest, task, differences, ends } = observed;
  if (!connected) return { steps: [] };
  // Its end is told on the node that carries it out, and the guest may be another's by then: that one looks by itself. So does
  // one that has an old copy of a guest which is moved between others: nothing of that wakes it.
  if (task !== undefined)
    return doc === undefined && guest?.ours !== true ? { steps: [] } : { steps: [], againInMs: heldMs };
  const start: GuestStep = { do: 'start', text: `start ${name}`, timeoutMs: startTimeoutMs };
  const end = (why: string): GuestStep => ({ do: 'end', text: `end ${name}: ${why}`, timeoutMs: endTimeoutMs });
  const putRight: GuestStep = {
    do: 'settle',
    text: `put ${name} right, which no task moves any more`,
    timeoutMs: endTimeoutMs,
  };
  const giveUp: GuestStep = {
    do: 'give-up',
    text: `give ${name} up here: it has ended ${ends.count} times (${ends.reason})`,
    timeoutMs: writeTimeoutMs,
  };
  const forgive: GuestStep = {
    do: 'forgive',
    text: `forget that ${name} was given up: it runs steadily`,
    timeoutMs: writeTimeoutMs,
  };
  // One that runs here has arrived, though nobody has written it down; one that does not is libvirt's to give up.
  if (observed.coming === true)
    return guest === undefined || guest.inTransit
      ? { steps: [], againInMs: comingAgainMs }
      : { steps: [putRight], againInMs: 100 };
  if (doc === undefined) {
    // A guest that somebody runs by hand on this libvirt is none of our business.
    return { steps: guest?.ours === true ? [end('it is not defined on this node any more')] : [] };
  }
  // Its task has ended, or never was: a crash came between.
  if (doc.spec.transfer !== undefined) return { steps: [putRight], againInMs: 100 };
  switch (doc.spec.run) {
    case 'stopped':
    case 'disabled':
      return { steps: guest === undefined ? [] : [end(`it is meant to be ${doc.spec.run}`)] };
    case 'running': {
      const tooOften = endsTooOften(doc.spec, ends);
      const failed = doc.spec.crashes?.failed !== undefined;
      if (guest === undefined) {
        if (failed || observed.leaving === true) return { steps: [] };
        // It ran when it was last seen, and libvirt has not told of its end yet. The next look knows more, and
        // until then its status shows that it is gone.
        if (ends.count === 0 && ranLast(doc)) return { steps: [], againInMs: restartPauseMs(1) };
        const dueInMs = restartPauseMs(ends.count) - ends.agoMs;
        return dueInMs > 0 ? { steps: [], againInMs: dueInMs } : { steps: [tooOften ? giveUp : start] };
      }
      // Whether and when it is started again is for the next look to say, which sees it gone: as that of any end, with its pause,
      // and with a status between that tells of it. libvirt has one like this for a moment when a guest panics.
      if (guest.state === 'crashed' || guest.state === 'stopped')
        return { steps: [end(`it has ${guest.state}`)], againInMs: restartPauseMs(1) };
      const forgiving = doc.spec.crashes !== undefined && observed.steadyInMs !== undefined;
      if (forgiving && observed.steadyInMs === 0) return { steps: [forgive], againInMs: 100 };
      const later = forgiving ? { againInMs: observed.steadyInMs } : {};
      if (differences === undefined || guest.state !== 'running') return { steps: [], ...later };
      const step = (verb: 'attach' | 'detach' | 'update', text: string, device: XmlElement): GuestStep => ({
        do: verb,
        text: `${text} ${label(device)} of ${name} while it runs`,
        timeoutMs: deviceTimeoutMs,
        device,
      });
      return {
        steps: [
          ...differences.detach.map((device) => step('detach', 'detach', device)),
          ...differences.update.map((device) => step('update', 'change', device)),
          ...differences.attach.map((device) => step('attach', 'attach', device)),
        ],
        ...later,
      };
    }
  }
}
