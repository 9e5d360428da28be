/**
 * Takes out of a domain XML what libvirt itself adds to a running domain, so that the print of
 * `virsh dumpxml` can be defined again and compared with what was asked.
 * @module
 */
import { child, childrenNamed, clone, elements, isBare, removeChildren, textOf, type XmlElement } from './xml.ts';

/** Host devices that libvirt names itself (virnetdev.h: VIR_NET_GENERATED_*_PREFIX). */
const generatedLink = /^(?:vnet|macvtap|macvlan)\d+$/;
/** Sockets that libvirt makes for a channel without a path of its own. */
const generatedSocket =
  /^(?:\/var\/lib\/libvirt\/qemu\/channel\/|\/var\/run\/libvirt\/qemu\/channel\/|\/run\/libvirt\/qemu\/channel\/|\/run\/user\/\d+\/libvirt\/)/;

const drop = (element: XmlElement | undefined, ...names: readonly string[]): void => {
  for (const name of names) delete element?.attributes[name];
};

function stripInterface(device: XmlElement): void {
  removeChildren(device, ({ name, attributes }) => name === 'target' && generatedLink.test(attributes['dev'] ?? ''));
  const source = child(device, 'source');
  drop(source, 'portid');
  if (source?.attributes['network'] !== undefined) drop(source, 'bridge');
}

function stripDisk(device: XmlElement): void {
  removeChildren(device, ({ name }) => name === 'backingStore' || name === 'mirror');
  drop(child(device, 'source'), 'index');
  // What libvirt leaves of the source of a drive whose medium was taken out.
  removeChildren(device, (element) => element.name === 'source' && isBare(element));
  drop(child(device, 'target'), 'tray');
}

function stripCharacterDevice(device: XmlElement): void {
  drop(device, 'tty');
  if (device.attributes['type'] === 'pty') removeChildren(device, ({ name }) => name === 'source');
  if (device.attributes['type'] === 'unix') {
    removeChildren(
      device,
      ({ name, attributes }) => name === 'source' && generatedSocket.test(attributes['path'] ?? ''),
    );
  }
  drop(child(device, 'target'), 'state');
}

function stripGraphics(device: XmlElement): void {
  if (device.attributes['autoport'] === 'yes') drop(device, 'port', 'tlsPort');
  for (const listen of childrenNamed(device, 'listen')) drop(listen, 'fromConfig');
}

const byName: Readonly<Record<string, (device: XmlElement) => void>> = {
  interface: stripInterface,
  disk: stripDisk,
  serial: stripCharacterDevice,
  parallel: stripCharacterDevice,
  console: stripCharacterDevice,
  channel: stripCharacterDevice,
  graphics: stripGraphics,
};

/** libvirt confines each running guest by itself; only labels an administrator chose are part of a definition. */
const isGeneratedLabel = ({ name, attributes }: XmlElement): boolean =>
  name === 'seclabel' && attributes['type'] === 'dynamic';

/** The default cgroup partition, which libvirt writes into every running domain. */
const isDefaultPartition = (element: XmlElement): boolean =>
  element.name === 'resource' && elements(element).length === 1 && textOf(child(element, 'partition')) === '/machine';

/**
 * A copy without the running domain's parts: id, aliases (except an administrator's own, which begin
 * with `ua-`), host devices and terminals, chosen ports, dynamic labels, backing chains. Addresses are
 * kept: they are what keeps the guest's devices where they are.
 */
export function stripRuntime(live: XmlElement): XmlElement {
  const root = clone(live);
  drop(root, 'id');
  removeChildren(root, (element) => isGeneratedLabel(element) || isDefaultPartition(element));
  for (const device of childrenNamed(root, 'devices').flatMap(elements)) {
    removeChildren(device, ({ name, attributes }) => name === 'alias' && !(attributes['name'] ?? '').startsWith('ua-'));
    byName[device.name]?.(device);
  }
  return root;
}
