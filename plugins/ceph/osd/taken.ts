/** The last look before a device is written to: whose it is. Nothing is changed. @module */
import { formatBytes, type Host } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { contentOf, lookAtDevices } from '../device/look.ts';
import { whyUnusable } from '../device/usable.ts';
import type { MakeWish } from './make-osd.ts';
import { osdError } from './osd-kind.ts';
import { sameDevice } from './same-device.ts';

/** @throws PvcError OSD_DEVICE with every reason, DEVICE_NOT_FOUND */
export async function refuseTaken(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  { node, backing, uuids, databases }: MakeWish & { readonly node: string },
): Promise<void> {
  const refuse = (reason: string): Error => osdError('OSD_DEVICE', { device: backing.path, node, reason });
  if (backing.type === 'file') {
    if ((await host.files.stat(backing.path)) !== undefined) throw refuse('there is a file of that name');
    return;
  }
  const { devices, osds, groups } = await lookAtDevices(ceph);
  const device = sameDevice(devices, backing);
  const reasons = [...whyUnusable(device, osds)];
  if (reasons.length === 0)
    reasons.push(...(await contentOf(ceph, device.path)).map((type) => `it is not blank (${type})`));
  if (reasons.length > 0) throw refuse(reasons.join('; '));
  if (databases === undefined) return;
  const group = groups.find(({ name }) => name === databases.group);
  if (group === undefined) throw refuse(`there is no volume group ${databases.group} for its database`);
  const wanted = databases.sizeBytes * uuids.length;
  if (group.free < wanted)
    throw refuse(
      `${databases.group} has ${formatBytes(group.free)} free, and its databases need ${formatBytes(wanted)}`,
    );
}
