/**
 * What cloud-init in a new guest is told by a disk: the NoCloud data source (cloud-init, "NoCloud": a file system labelled
 * CIDATA with `meta-data`, `user-data`, `vendor-data` and `network-config`). Pure.
 * @module
 */
import { stringify } from 'yaml';
import { z } from '../../../core/plugin/api.ts';
import { templateDisk } from './storage-template.ts';

/** An empty disk, by its device in the guest (`vdb`), and the file system that cloud-init makes on it. */
export const freshDisk = z.strictObject({
  target: z.string(),
  filesystem: templateDisk.shape.filesystem,
  mountpoint: templateDisk.shape.mountpoint,
});

/** Of a guest, as far as its first boot must know it. */
export interface SeedFacts {
  readonly uuid: string;
  readonly name: string;
  readonly sshKeys: readonly string[];
  readonly macs: readonly string[];
  readonly fresh: readonly z.output<typeof freshDisk>[];
  /** The document of the profile, as it is. */
  readonly userdata: string | undefined;
}

/**
 * One value, one line: cloud-init hands keys on to programs that know no YAML. Every text in quotes: cloud-init reads YAML 1.1, to
 * which `52:54:00:12:34:56` is a number to the base of 60, and the name `no` is none.
 */
const textOf = (value: unknown): string =>
  stringify(value, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });

/** A guest may have a name that is none for a host (RFC 1123). */
export const hostNameOf = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** The files of the disk, by name. */
export function seedFiles(seed: SeedFacts): Readonly<Record<string, string>> {
  const metaData = {
    // Another one than at the last boot is another machine to cloud-init.
    'instance-id': seed.uuid,
    'local-hostname': hostNameOf(seed.name),
    ...(seed.sshKeys.length === 0 ? {} : { 'public-keys': [...seed.sshKeys] }),
  };
  return {
    'meta-data': textOf(metaData),
    // Without this file cloud-init takes the disk for none of its own.
    'user-data': seed.userdata ?? '#cloud-config\n{}\n',
    ...vendorData(seed),
    ...networkConfig(seed),
  };
}

/**
 * By DHCP on every card, each known by its address: names of devices differ from guest to guest. The card gets the name of its
 * entry: ifupdown, networkd and ifcfg files are written for a device of that name, and would wait for it.
 */
function networkConfig({ macs }: SeedFacts): Record<string, string> {
  if (macs.length === 0) return {};
  const ethernets = Object.fromEntries(
    macs.map((mac, at) => {
      const name = `nic${at}`;
      return [name, { match: { macaddress: mac }, 'set-name': name, dhcp4: true }];
    }),
  );
  return { 'network-config': textOf({ version: 2, ethernets }) };
}

/** Userdata that says the same itself comes before it. */
function vendorData({ fresh }: SeedFacts): Record<string, string> {
  const made = fresh.flatMap(({ target, filesystem, mountpoint }) =>
    filesystem === undefined ? [] : [{ device: `/dev/${target}`, filesystem, mountpoint }],
  );
  if (made.length === 0) return {};
  const config = {
    fs_setup: made.map(({ device, filesystem }) => ({ device, filesystem, partition: 'none', overwrite: false })),
    mounts: made.flatMap(({ device, filesystem, mountpoint }) => {
      if (filesystem === 'swap') return [[device, 'none', 'swap', 'sw', '0', '0']];
      return mountpoint === undefined ? [] : [[device, mountpoint, filesystem, 'defaults,nofail', '0', '2']];
    }),
  };
  return { 'vendor-data': `#cloud-config\n${textOf(config)}` };
}
