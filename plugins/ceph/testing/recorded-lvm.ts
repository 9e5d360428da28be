/**
 * The disks of a node with LVM and the OSDs on it, in memory. What it answers has the shape that was recorded of the real
 * programs (test/fixtures/ceph-volume); what it refuses is what they refused.
 * @module
 */
import { recording } from '../../../test/fixtures/recording.ts';

export interface Answer {
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

export interface OsdTags {
  readonly id: number;
  readonly fsid: string;
  readonly db?: string;
}

interface Volume {
  tags?: OsdTags | undefined;
  /** `ceph-osd --mkfs` came to its end. */
  ready: boolean;
}

const recorded = (name: string) => recording(`ceph-volume/bookworm/${name}`);
export const refusal = (name: string): Answer => {
  const { code, stdout, stderr } = recorded(name);
  return { code, stdout, stderr };
};

type Row = Record<string, unknown> & { path: string; serial: string | null; wwn: string | null; children?: Row[] };
const lsblkRows = (JSON.parse(recorded('lsblk').stdout) as { blockdevices: Row[] }).blockdevices;

/** What is printed on a recorded disk, and its path. @throws Error when none has that serial number */
export function recordedDisk(serial: string): { path: string; serial: string; wwn?: string } {
  const found = lsblkRows.find((row) => row.serial === serial);
  if (found === undefined) throw new Error(`no disk ${serial} was recorded`);
  return { path: found.path, serial, ...(found.wwn === null ? {} : { wwn: found.wwn }) };
}

const listed = Object.values(
  JSON.parse(recorded('lvm-list').stdout) as Record<string, { type: string; tags: Record<string, string> }[]>,
).flat();
const blockEntry = listed.find(({ type, tags }) => type === 'block' && tags['ceph.encrypted'] === '0');

export class RecordedLvm {
  readonly groups = new Map<string, { readonly device: string; readonly volumes: Map<string, Volume> }>();

  /** @param name `GROUP/NAME`, or its path below /dev */
  volume(name: string): Volume | undefined {
    const [group = '', volume = ''] = name.replace(/^\/dev\//, '').split('/');
    return this.groups.get(group)?.volumes.get(volume);
  }

  /** Each volume in words: for comparisons. */
  get state(): string[] {
    const lines = [...this.groups].flatMap(([group, { device, volumes }]) => [
      `${group} on ${device}`,
      ...[...volumes].map(
        ([name, { tags, ready }]) =>
          `${group}/${name}${tags === undefined ? '' : ` osd.${tags.id}`}${ready ? ' ready' : ''}`,
      ),
    ]);
    return lines.toSorted();
  }

  /** Undefined: it is no command of LVM, nor of lsblk. */
  answer([command = '', ...args]: readonly string[]): Answer | undefined {
    const last = args.at(-1) ?? '';
    switch (command) {
      case 'lsblk':
        return { stdout: JSON.stringify({ blockdevices: lsblkRows.map((row) => this.#lsblkRow(row)) }) };
      case 'vgs':
        return this.#report(
          'vg',
          [...this.groups].map(([name, { volumes }]) => ({
            ...{ vg_name: name, vg_size: '21470642176', vg_free: '15028191232', vg_extent_size: '4194304' },
            ...{ pv_count: '1', lv_count: String(volumes.size), vg_uuid: 'u' },
          })),
        );
      case 'pvs':
        return this.#report(
          'pv',
          [...this.groups].map(([name, { device }]) => ({
            ...{ pv_name: device, vg_name: name, pv_size: '21470642176', pv_free: '0', pv_uuid: 'u' },
          })),
        );
      case 'lvs':
        return this.#report(
          'lv',
          [...this.groups].flatMap(([group, { volumes }]) =>
            [...volumes.keys()].map((name) => ({ lv_name: name, vg_name: group, lv_size: '10733223936', lv_tags: '' })),
          ),
        );
      case 'vgcreate': {
        const [, name = '', device = ''] = args;
        if (this.groups.has(name)) return refusal('vgcreate-again');
        this.groups.set(name, { device, volumes: new Map() });
        return refusal('vgcreate');
      }
      case 'lvcreate': {
        const group = this.groups.get(last);
        const name = args[args.indexOf('--name') + 1] ?? '';
        if (group === undefined || group.volumes.has(name)) return refusal('division-lvcreate-again');
        group.volumes.set(name, { ready: false });
        return refusal('lvcreate');
      }
      case 'lvremove': {
        const [group = '', name = ''] = last.split('/');
        return refusal(this.groups.get(group)?.volumes.delete(name) === true ? 'lvremove' : 'lvremove-again');
      }
      case 'vgremove':
        return refusal(this.groups.delete(last) ? 'vgremove' : 'vgremove-again');
      case 'pvremove':
        return refusal('pvremove');
      default:
        return undefined;
    }
  }

  /** `ceph-volume lvm list` */
  list(): Answer {
    const osds: Record<string, unknown[]> = {};
    for (const [group, { device, volumes }] of this.groups)
      for (const [name, { tags }] of volumes) {
        if (tags === undefined) continue;
        const path = `/dev/${group}/${name}`;
        const isData = name.startsWith('osd-block-');
        const entry = {
          ...blockEntry,
          ...{ type: isData ? 'block' : 'db', path, lv_path: path, lv_name: name, vg_name: group, devices: [device] },
          tags: {
            ...blockEntry?.tags,
            ...{ 'ceph.osd_id': String(tags.id), 'ceph.osd_fsid': tags.fsid, 'ceph.type': isData ? 'block' : 'db' },
            ...(tags.db === undefined ? {} : { 'ceph.db_device': `/dev/${tags.db}` }),
          },
        };
        (osds[String(tags.id)] ??= []).push(entry);
      }
    return { stdout: JSON.stringify(osds) };
  }

  #report(part: string, rows: readonly unknown[]): Answer {
    return { stdout: JSON.stringify({ report: [{ [part]: rows }] }) };
  }

  #lsblkRow(row: Row): Row {
    const group = [...this.groups].find(([, { device }]) => device === row.path);
    if (group === undefined) return row;
    const [name, { volumes }] = group;
    const children = [...volumes.keys()].map((volume) => ({
      ...row,
      ...{ name: `${name}-${volume}`, path: `/dev/mapper/${name}-${volume}`, type: 'lvm', fstype: null, children: [] },
    }));
    return { ...row, fstype: 'LVM2_member', children };
  }
}
