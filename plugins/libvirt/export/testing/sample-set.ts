/** Exports as they are written, for tests. @module */

import { fromXml } from '../../domain/define.ts';
import { vmDocumentText } from '../../domain/document.ts';
import type { ExportSet } from '../chain.ts';
import type { Manifest } from '../manifest.ts';

export const guestUuid = '11111111-1111-4111-8111-111111111111';

/** The id of the snapshot with that name: the n-th letter gives n. */
export const momentId = (name: string): string => `00000000-0000-4000-8000-${name.padStart(12, '0').slice(-12)}`;

const xml = `<domain type='kvm'>
  <name>web1</name>
  <uuid>${guestUuid}</uuid>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='volume' device='disk'><source pool='vms' volume='a'/><target dev='vda' bus='virtio'/></disk>
    <disk type='volume' device='disk'><source pool='fast' volume='b'/><target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><source file='/iso/debian.iso'/><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>
  </devices>
</domain>`;

/** An export of a guest with two disks; `since` names the snapshot that it builds on. */
export function sampleSet(name: string, since: string | null, change: Partial<Manifest> = {}): ExportSet {
  const { fields } = fromXml(xml);
  const copy = (target: string, volume: string): Manifest['disks'][number] => ({
    target,
    volume,
    snapshot: `guest-${name}`,
    sizeBytes: 4096,
    file: `${target}.copy`,
    bytes: 100,
    sha256: 'a'.repeat(64),
    form: 'rbd-diff-1',
    settings: { limits: {} },
  });
  const manifest: Manifest = {
    format: 'pvc-guest',
    version: 1,
    writtenMs: 1,
    guest: {
      uuid: guestUuid,
      name: 'web1',
      xml: vmDocumentText(guestUuid, fields),
      meta: {
        run: 'running',
        autostart: true,
        priority: 500,
        tags: [],
        protected: false,
        limit: [],
        selector: 'mem',
        migration: { method: 'auto', maxDowntimeMs: 300 },
        shutdown: { timeoutS: 180, then: 'poweroff' },
        restart: { tries: 5, then: 'move' },
      },
    },
    snapshot: { id: momentId(name), name: `s${name}`, createdMs: 1, quiet: 'frozen', quietMs: 5 },
    since: since === null ? null : { id: momentId(since), name: `s${since}` },
    disks: [copy('vda', 'vms/a'), copy('vdb', 'fast/b')],
    ...change,
  };
  return { directory: `/backup/web1@s${name}`, manifest };
}
