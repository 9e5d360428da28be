/**
 * VNC and SPICE displays: the guest says which, the node says on which address they listen, so that
 * a guest can move.
 * @module
 */
import type { Findings } from './define-head.ts';
import { child, childrenNamed, el, removeChildren, type XmlElement } from './xml.ts';

const networked = (device: XmlElement): boolean =>
  device.name === 'graphics' && ['vnc', 'spice', 'rdp'].includes(device.attributes['type'] ?? '');

const loopback = ['127.0.0.1', '::1', 'localhost'];

/** Takes addresses and chosen ports out of a definition; sockets and networks to listen on stay. */
export function normalizeGraphics(devices: XmlElement, { warnings, ours }: Findings): void {
  childrenNamed(devices, 'graphics').forEach((device, at) => {
    if (!networked(device)) return;
    const addresses = [
      device.attributes['listen'],
      ...childrenNamed(device, 'listen').map((listen) => listen.attributes['address']),
    ];
    const foreign = addresses.find((address) => address !== undefined && !loopback.includes(address));
    if (foreign !== undefined && !ours)
      warnings.push(
        `/domain/devices/graphics[${at + 1}]: the address ${foreign} is dropped; it listens where the node's configuration says`,
      );
    delete device.attributes['listen'];
    removeChildren(
      device,
      ({ name, attributes }) => name === 'listen' && (attributes['type'] ?? 'address') === 'address',
    );
    if (device.attributes['port'] === '-1') device.attributes['autoport'] = 'yes';
    if (device.attributes['autoport'] === 'yes') {
      delete device.attributes['port'];
      delete device.attributes['tlsPort'];
    }
  });
}

/** Gives every display without a place to listen on the node's address. */
export function listenGraphics(devices: XmlElement, address: string): void {
  for (const device of childrenNamed(devices, 'graphics').filter(networked)) {
    if (device.attributes['listen'] === undefined && child(device, 'listen') === undefined)
      device.children.push(el('listen', { type: 'address', address }));
  }
}
