/**
 * The one console of a guest whose output PVC logs: which element it is, and what of it belongs to
 * the definition.
 * @module
 */
import type { Findings } from './define-head.ts';
import { child, childrenNamed, el, removeChildren, type XmlElement } from './xml.ts';

const isPty = (device: XmlElement): boolean => device.attributes['type'] === 'pty';

/** The first serial port or console that people can type into, else the first that writes anything. */
export function loggedConsole(devices: XmlElement): XmlElement | undefined {
  const serials = childrenNamed(devices, 'serial');
  const consoles = childrenNamed(devices, 'console');
  return serials.find(isPty) ?? consoles.find(isPty) ?? serials[0] ?? consoles[0];
}

export const serialPort = (): XmlElement => el('serial', { type: 'pty' }, el('target', { port: 0 }));

/**
 * libvirt prints the first serial port a second time, as the first `<console>`; only the port is kept.
 * A `<console>` that no serial port stands behind is a device of its own (virtio, or libvirt makes the port from it).
 */
function dropMirror(devices: XmlElement): void {
  if (child(devices, 'serial') === undefined) return;
  const [first] = childrenNamed(devices, 'console');
  if (first !== undefined && (child(first, 'target')?.attributes['type'] ?? 'serial') === 'serial')
    removeChildren(devices, (element) => element === first);
}

/** Brings the consoles of a definition into normal form: one is there, and its log file is PVC's affair. */
export function normalizeConsoles(devices: XmlElement, { warnings, ours }: Findings): void {
  dropMirror(devices);
  const logged = loggedConsole(devices);
  if (logged === undefined) {
    devices.children.push(serialPort());
    warnings.push(
      '/domain/devices: it had no serial console; one was added, so that `pvc vm console` and `pvc vm log` work',
    );
    return;
  }
  if (!isPty(logged))
    warnings.push(
      `/domain/devices/${logged.name}: type '${logged.attributes['type'] ?? ''}' is logged, but \`pvc vm console\` needs type='pty'`,
    );
  const file = child(logged, 'log')?.attributes['file'];
  if (file !== undefined && !ours)
    warnings.push(
      `/domain/devices/${logged.name}/log: ${file} is dropped; PVC logs this console to a file of the node`,
    );
  removeChildren(logged, ({ name }) => name === 'log');
}

/** Lets libvirt keep the console's output in a file of the node; a missing console is added. */
export function logConsole(devices: XmlElement, path: string): void {
  let logged = loggedConsole(devices);
  if (logged === undefined) {
    logged = serialPort();
    devices.children.push(logged);
  }
  removeChildren(logged, ({ name }) => name === 'log');
  logged.children.push(el('log', { file: path, append: 'on' }));
}
