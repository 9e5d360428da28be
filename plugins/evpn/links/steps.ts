/** What is done to devices, step by step, in the words of `ip` and `bridge`. Pure. @module */
import type { Step } from '../../../core/plugin/api.ts';
import { linkGroup } from './names.ts';
import type { Link } from './reading.ts';

export type Command = readonly [string, ...string[]];

/** What is done first, in the middle and last: what goes and comes, off as yet; what the node hears on it; all the rest. */
const phases = ['make', 'deaf', 'set'] as const;

export interface LinkStep extends Step {
  readonly do: (typeof phases)[number];
  /** Of `make` and `set`: one after the other. */
  readonly commands?: readonly Command[];
  /** Of `deaf`. */
  readonly devices?: readonly string[];
}

/** Many networks may be changed at the same time, and one waits for another. */
const stepMs = 30_000;

export const step = (text: string, ...commands: Command[]): LinkStep => ({
  do: 'set',
  text,
  timeoutMs: stepMs,
  commands,
});

/** One that comes before the node is made deaf. */
export const makeStep = (text: string, command: Command): LinkStep => ({ ...step(text, command), do: 'make' });

export const deafStep = (...devices: string[]): LinkStep => ({
  do: 'deaf',
  text: `keep the node itself out of ${devices.join(' and ')}`,
  timeoutMs: stepMs,
  devices,
});

/** The same in at most three steps, each of which is a process or two: many networks may come at once. */
export function inFewSteps(steps: readonly LinkStep[]): LinkStep[] {
  return phases.flatMap((phase) => {
    const some = steps.filter((one) => one.do === phase);
    if (some.length === 0) return [];
    if (phase === 'deaf') return [deafStep(...some.flatMap(({ devices = [] }) => devices))];
    const text = some.map((one) => one.text).join(', ');
    return [{ ...step(text, ...some.flatMap(({ commands = [] }) => commands)), do: phase }];
  });
}

export const deleteStep = (device: string, why = ''): LinkStep =>
  makeStep(`remove ${device}${why}`, ['ip', 'link', 'delete', 'dev', device]);

/** @param type what `ip link add` takes after `type` */
export const addStep = (text: string, name: string, settings: readonly string[], type: readonly string[]): LinkStep =>
  makeStep(text, ['ip', 'link', 'add', 'name', name, 'group', linkGroup, ...settings, 'type', ...type]);

/** A setting of a device: `ip link set dev NAME WHAT VALUE`. */
export const setStep = (text: string, name: string, ...setting: string[]): LinkStep =>
  step(text, ['ip', 'link', 'set', 'dev', name, ...setting]);

export const mtuStep = (name: string, mtu: number): LinkStep =>
  setStep(`give ${name} the MTU ${mtu}`, name, 'mtu', String(mtu));

export const upStep = (name: string): LinkStep => setStep(`switch ${name} on`, name, 'up');

export const isUp = (link: Link): boolean => link.flags.includes('UP');

export const isBridge = (link: Link | undefined): boolean => link?.linkinfo?.info_kind === 'bridge';

/** @throws Error: a device with that name is somebody else's */
export function needOurs(link: Link | undefined): void {
  if (link !== undefined && link.group !== linkGroup)
    throw new Error(`a device ${link.ifname} is there that PVC did not make; rename or remove it`);
}
