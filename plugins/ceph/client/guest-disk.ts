/**
 * How guests get volumes as disks: through librbd inside QEMU, which finds the monitors in ceph.conf, so that no guest
 * notices when they change; the key lies with libvirt as a secret.
 * @module
 */
import { type PluginContext, type Runtime, View } from '../../../core/plugin/api.ts';
import { ceph, cephId, cephSecret } from '../cluster/ceph-kind.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { volume } from '../volume/volume-kind.ts';
import { guestVolumes } from './guest-volumes.ts';
import { holderText } from './holders.ts';
import { openElsewhere } from './open-elsewhere.ts';

/** As the plugin of guests hands them over: a disk and the verbs on a domain, as far as they matter here. */
interface GuestDisk {
  readonly target: string;
  readonly source: { readonly type: string; readonly pool?: string; readonly volume?: string };
}
interface Element {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: unknown[];
}
interface Draft {
  readonly root: Element;
  el(name: string, attributes: Record<string, string>, ...children: unknown[]): Element;
  addDisk(disk: GuestDisk, backing: { type: string; source: Element; children: Element[] }): Element;
}
interface About {
  readonly vm: { readonly spec: { readonly disks: readonly GuestDisk[] } };
  edit(root: Element): Draft;
}

interface StartAbout {
  readonly vm: { readonly spec: { readonly disks: readonly (GuestDisk & { readonly readonly: boolean })[] } };
}

/** Ceph's `osd_client_watch_timeout` is 30 s. */
const expiry = 'what has died there is forgotten within 30 s, what runs must be ended first';

/** The user of Ceph as whom QEMU comes. */
const guestUser = 'pvc';

/** Nothing lies between guest and Ceph that a crash could lose; and what a guest discards becomes free. */
const driverDefaults = { cache: 'none', discard: 'unmap' };

export function tapGuests(pvc: PluginContext, part: () => Pick<DaemonPart, 'runtime' | 'ceph'>): void {
  const runtime = (): Runtime => part().runtime;
  pvc.on('libvirt.domain', async (root: Element, about: About): Promise<Element> => {
    const { documents } = runtime();
    const draft = about.edit(root);
    const fsid = (await documents.get(ceph, cephId))?.spec.fsid;
    if (fsid === undefined) return root;
    for (const disk of about.vm.spec.disks) {
      const { type, pool, volume: name } = disk.source;
      if (type !== 'volume' || (await documents.find(volume, 'name', `${pool}/${name}`)) === undefined) continue;
      const element = draft.addDisk(disk, {
        type: 'network',
        source: draft.el('source', { protocol: 'rbd', name: `${pool}/${name}` }),
        children: [draft.el('auth', { username: guestUser }, draft.el('secret', { type: 'ceph', uuid: fsid }))],
      });
      const driver = (element.children as Element[]).find((child) => child.name === 'driver');
      if (driver !== undefined) Object.assign(driver.attributes, { ...driverDefaults, ...driver.attributes });
    }
    return draft.root;
  });
  pvc.on('libvirt.secrets', async (secrets: readonly unknown[]): Promise<readonly unknown[]> => {
    const { documents } = runtime();
    const [doc, key] = await Promise.all([
      documents.get(ceph, cephId),
      documents.get(cephSecret, `client.${guestUser}`),
    ]);
    if (doc === undefined || key === undefined) return secrets;
    const value = new Uint8Array(Buffer.from(key.spec.key, 'base64'));
    return [...secrets, { uuid: doc.spec.fsid, usage: 'the storage of PVC', value }];
  });
  pvc.on(
    'libvirt.start',
    async (reasons: readonly string[], { vm: { spec } }: StartAbout): Promise<readonly string[]> => {
      const view = new View(runtime().documents);
      const written = spec.disks.filter(({ source, readonly: kept }) => source.type === 'volume' && !kept);
      const found = written.map(async ({ target, source }) => {
        const image = `${source.pool}/${source.volume}`;
        if ((await view.find(volume, 'name', image)) === undefined) return [];
        return (await openElsewhere(runtime(), part().ceph, image)).map(
          (holder) => `its disk ${target} (${image}) is open at ${holderText(holder)}; ${expiry}`,
        );
      });
      return [...reasons, ...(await Promise.all(found)).flat()];
    },
  );
  pvc.on('libvirt.volumes', (names: readonly string[], about: { add(store: object): void }): readonly string[] => {
    about.add(guestVolumes(runtime(), part().ceph));
    return [...names, 'ceph'];
  });
}
