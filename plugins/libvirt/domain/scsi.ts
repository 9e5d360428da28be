/** The controller that disks on the bus SCSI hang on. @module */
import type { Disk, VmSpec } from '../schema.ts';
import type { DiffInput } from './device-diff.ts';
import { child, childrenNamed, clone, el, parseXml, printXml, removeChildren, type XmlElement } from './xml.ts';

/** Left to itself libvirt takes `lsilogic`: it needs a slot of a kind that a q35 has not, and guests of today no driver for it. */
export const scsiController = (): XmlElement => el('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' });

const isScsi = ({ name, attributes }: XmlElement): boolean => name === 'controller' && attributes['type'] === 'scsi';
const controllersOf = (root: XmlElement | undefined): XmlElement[] =>
  childrenNamed(child(root, 'devices'), 'controller').filter(isScsi);

/** A guest's definition once it has that disk as well: with a controller for its first one on SCSI. */
export function definitionWith(spec: Pick<VmSpec, 'definition' | 'disks'>, disk: Pick<Disk, 'bus'>): string {
  if (disk.bus !== 'scsi' || spec.disks.some(({ bus }) => bus === 'scsi')) return spec.definition;
  const root = parseXml(spec.definition);
  const devices = child(root, 'devices');
  if (devices === undefined || controllersOf(root).length > 0) return spec.definition;
  devices.children.push(scsiController());
  return printXml(root);
}

/**
 * Controllers that a guest has got since it was started, or is to get.
 * @returns those to be plugged in, and what is wanted without all of them
 */
export function newControllers({ startedFrom, wanted, live }: DiffInput): {
  readonly attach: XmlElement[];
  readonly rest: XmlElement;
} {
  const indexOf = ({ attributes }: XmlElement): string => attributes['index'] ?? '';
  const among = (root: XmlElement | undefined, one: XmlElement): XmlElement | undefined =>
    controllersOf(root).find((other) => indexOf(other) === indexOf(one));
  const added = controllersOf(wanted).filter((one) => {
    const running = among(live, one);
    return (
      among(startedFrom ?? live, one) === undefined &&
      (running === undefined || running.attributes['model'] === one.attributes['model'])
    );
  });
  const rest = clone(wanted);
  const devices = child(rest, 'devices');
  if (devices !== undefined)
    removeChildren(devices, (device) => isScsi(device) && added.some((one) => indexOf(one) === indexOf(device)));
  return { attach: added.filter((one) => among(live, one) === undefined), rest };
}
