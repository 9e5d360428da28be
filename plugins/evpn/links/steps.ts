/** What is done to devices, step by step, in the words of `ip` and `bridge`. Pure. @module */
import type { Step } from '../../../core/plugin/api.ts';
import { linkGroup } from './names.ts';
import type { Link } from './reading.ts';

export type Command = readonly [string, ...string[]];

export interface LinkStep extends Step {
  readonly do: 'commands' | 'deaf';
  /** Of `commands`: one after the other. */
  readonly commands?: readonly Command[];
  /** Of `deaf`. */
  readonly device?: string;
}

const stepMs = 10_000;

export const step = (text: string, ...commands: Command[]): LinkStep => ({
  do: 'commands',
  text,
  timeoutMs: stepMs,
  commands,
});

export const deafStep = (device: string): LinkStep => ({
  do: 'deaf',
  text: `keep the node itself out of ${device}`,
  timeoutMs: stepMs,
  device,
});

export const deleteStep = (device: string, why = ''): LinkStep =>
  step(`remove ${device}${why}`, ['ip', 'link', 'delete', 'dev', device]);

/** @param type what `ip link add` takes after `type` */
export const addStep = (text: string, name: string, settings: readonly string[], type: readonly string[]): LinkStep =>
  step(text, ['ip', 'link', 'add', 'name', name, 'group', linkGroup, ...settings, 'type', ...type]);

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
