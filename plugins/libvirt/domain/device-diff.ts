/**
 * What to do to a running domain so that it becomes the wanted one: devices to attach, detach and
 * update while it runs, and a readable list of what only a restart brings about.
 *
 * Three trees speak: what the domain was started from, what is wanted (both rendered by PVC), and
 * what libvirt prints of the running domain, which has devices plugged in since and much that libvirt
 * added by itself.
 * @module
 */
import { machineDifferences } from './machine-diff.ts';
import { normalizeMac } from './nic.ts';
import { stripRuntime } from './runtime.ts';
import { newControllers } from './scsi.ts';
import { changedParts, says } from './tree-diff.ts';
import { child, childrenNamed, clone, el, removeChildren, replaceOrAppend, type XmlElement } from './xml.ts';

export interface DiffInput {
  /** The XML the running domain was created from; without it only what libvirt prints can be compared. */
  readonly startedFrom?: XmlElement | undefined;
  readonly wanted: XmlElement;
  /** libvirt's print of the running domain. */
  readonly live: XmlElement;
}

export interface DeviceDiff {
  /** To be plugged in, as rendered; after every detach. */
  readonly attach: XmlElement[];
  /** To be pulled out, as libvirt prints them. */
  readonly detach: XmlElement[];
  /** To be changed in place: another medium, another bridge, the link up or down. */
  readonly update: XmlElement[];
  /** Takes effect when the guest is restarted, one line each. */
  readonly restart: string[];
}

interface Trio {
  readonly key: string;
  readonly before: XmlElement | undefined;
  readonly wanted: XmlElement | undefined;
  /** As libvirt prints it. */
  readonly live: XmlElement | undefined;
}

/** Children of an `<interface>` that libvirt changes while the guest runs (qemuDomainChangeNet). */
const liveNicParts = ['source', 'link', 'bandwidth', 'filterref'];
/** What libvirt gives a running device by itself. */
const givenParts = ['alias', 'address', 'target'];
/** Buses of drives that libvirt plugs in and pulls out of a running guest. */
const hotBuses = ['virtio', 'scsi', 'usb'];
/** Types of `<interface>` among which only the source differs. */
const bridged = ['bridge', 'network'];

const nicKey = (device: XmlElement): string | undefined =>
  normalizeMac(child(device, 'mac')?.attributes['address'] ?? '');
const diskKey = (device: XmlElement): string | undefined => child(device, 'target')?.attributes['dev'];

function trios(
  name: string,
  keyOf: (device: XmlElement) => string | undefined,
  { startedFrom, wanted, live }: DiffInput,
): Trio[] {
  const index = (root: XmlElement | undefined): Map<string, XmlElement> => {
    const found = new Map<string, XmlElement>();
    for (const device of childrenNamed(child(root, 'devices'), name)) {
      const key = keyOf(device);
      if (key !== undefined) found.set(key, device);
    }
    return found;
  };
  const [before, after, now] = [index(startedFrom), index(wanted), index(live)];
  return [...new Set([...now.keys(), ...after.keys()])].map((key) => ({
    key,
    before: before.get(key),
    wanted: after.get(key),
    live: now.get(key),
  }));
}

/** A single device without what libvirt added to it. */
const bare = (device: XmlElement): XmlElement => {
  const [stripped] = childrenNamed(
    child(stripRuntime(el('domain', {}, el('devices', {}, device))), 'devices'),
    device.name,
  );
  return stripped as XmlElement;
};

const without = (device: XmlElement, names: readonly string[]): XmlElement => {
  const rest = clone(device);
  removeChildren(rest, ({ name }) => names.includes(name));
  return rest;
};

/** Names of the parts that differ beside `apart`; against what it was started from if that is known, else against what runs. */
function otherDifferences({ before, wanted, live }: Trio, apart: readonly string[]): string[] {
  if (wanted === undefined || live === undefined) return [];
  if (before !== undefined) {
    return changedParts(without(before, apart), without(wanted, apart), []).map((text) => text.split(':')[0] as string);
  }
  const rest = without(wanted, [...apart, ...givenParts]);
  const running = bare(live);
  return rest.children.flatMap((part) =>
    'name' in part && !running.children.some((node) => 'name' in node && says(node, part)) ? [part.name] : [],
  );
}

/** Whether the running part says what is wanted of it; the link is up when nothing is said. */
function samePart(name: string, live: XmlElement, wanted: XmlElement): boolean {
  const [now, then] = [child(live, name), child(wanted, name)];
  if (name === 'link') return (now?.attributes['state'] ?? 'up') === (then?.attributes['state'] ?? 'up');
  return now === undefined || then === undefined ? now === then : says(now, then);
}

/** The running device with some of its parts as wanted; the rest must stay as libvirt has it, or it refuses. */
function patched(live: XmlElement, wanted: XmlElement, parts: readonly string[]): XmlElement {
  const device = bare(live);
  device.attributes['type'] = wanted.attributes['type'] ?? device.attributes['type'] ?? '';
  for (const name of parts) {
    const part = child(wanted, name);
    if (part !== undefined) replaceOrAppend(device, clone(part));
    else if (name === 'link' && child(device, name) !== undefined) replaceOrAppend(device, el('link', { state: 'up' }));
    else removeChildren(device, (element) => element.name === name);
  }
  return device;
}

function diffNic(trio: Trio, diff: DeviceDiff): void {
  const { key, live, wanted } = trio;
  if (live === undefined || wanted === undefined) {
    if (live !== undefined) diff.detach.push(live);
    else if (wanted !== undefined) diff.attach.push(wanted);
    return;
  }
  const types = [live.attributes['type'] ?? '', wanted.attributes['type'] ?? ''] as const;
  if (types[0] !== types[1] && !types.every((type) => bridged.includes(type))) {
    diff.detach.push(live);
    diff.attach.push(wanted);
    return;
  }
  const running = bare(live);
  if (!liveNicParts.every((name) => samePart(name, running, wanted)))
    diff.update.push(patched(live, wanted, liveNicParts));
  const others = otherDifferences(trio, liveNicParts);
  if (others.length > 0) diff.restart.push(`network card ${key}: ${others.join(', ')}`);
}

const isHot = (device: XmlElement): boolean =>
  (device.attributes['device'] ?? 'disk') === 'disk' &&
  hotBuses.includes(child(device, 'target')?.attributes['bus'] ?? '');

function diffDisk(trio: Trio, diff: DeviceDiff): void {
  const { key, live, wanted } = trio;
  if (live === undefined || wanted === undefined) {
    const device = (live ?? wanted) as XmlElement;
    if (!isHot(device))
      diff.restart.push(
        `drive ${key}: ${live === undefined ? 'added' : 'removed'}, which its bus cannot do while the guest runs`,
      );
    else if (live !== undefined) diff.detach.push(live);
    else diff.attach.push(device);
    return;
  }
  const kinds = [live, wanted].map((device) =>
    [device.attributes['device'] ?? 'disk', child(device, 'target')?.attributes['bus']].join(' on '),
  );
  const medium =
    samePart('source', bare(live), wanted) &&
    (child(wanted, 'source') === undefined || live.attributes['type'] === wanted.attributes['type']);
  const ejects = ['cdrom', 'floppy'].includes(live.attributes['device'] ?? '');
  if (kinds[0] !== kinds[1] || (!medium && !ejects)) {
    const what = kinds[0] === kinds[1] ? 'another source' : `${kinds[0] ?? ''} → ${kinds[1] ?? ''}`;
    if (!isHot(live) || !isHot(wanted))
      diff.restart.push(`drive ${key}: ${what}, which its bus cannot change while the guest runs`);
    else {
      diff.detach.push(live);
      diff.attach.push(wanted);
    }
    return;
  }
  // The format belongs to the medium: libvirt forgets it for an empty drive.
  const parts = ejects && (!medium || child(wanted, 'source') === undefined) ? ['source', 'driver'] : ['source'];
  if (!medium) diff.update.push(patched(live, wanted, parts));
  const others = otherDifferences(trio, parts);
  if (others.length > 0) diff.restart.push(`drive ${key}: ${others.join(', ')}`);
}

/** Network cards are known by their MAC address, drives by their target. */
export function diffDevices(input: DiffInput): DeviceDiff {
  const diff: DeviceDiff = { attach: [], detach: [], update: [], restart: [] };
  const controllers = newControllers(input);
  diff.attach.push(...controllers.attach);
  diff.restart.push(...machineDifferences({ ...input, wanted: controllers.rest }));
  for (const trio of trios('interface', nicKey, input)) diffNic(trio, diff);
  for (const trio of trios('disk', diskKey, input)) diffDisk(trio, diff);
  return diff;
}
