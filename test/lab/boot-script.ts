/**
 * What a node does when it is powered on, before anything of PVC runs: the shell script that becomes
 * the first process of its namespaces. Pure.
 * @module
 */
import { join } from 'node:path';
import { dataRoot } from './paths.ts';
import { shellWord } from './shell-word.ts';

export interface BootPlan {
  readonly hostname: string;
  /** The node's disk: a directory that outlives its power. */
  readonly data: string;
  /** Directories of the machine that stay visible at their own path, whatever is mounted above them. */
  readonly visible: readonly string[];
  /** Directory with the built guest image. */
  readonly guest: string;
}

/** Where the guest image is in each node, read-only. */
export const guestDirectory = '/var/lib/pvc-guest';

/** In the node: exists once it has booted. */
export const bootedMark = '/run/lab/booted';

/** The node's own changes to these lie on its disk; beneath, the machine's are seen. */
const coveredDirectories = ['etc', 'usr', 'var'];

/**
 * What the machine itself may have of these is not the node's: its own PVC, its own guests. Removed in the
 * node's layer only, at its first boot.
 */
const notOfThisNode = [
  '/etc/pvc /var/lib/pvc /var/log/pvc /usr/lib/pvc /usr/bin/pvc',
  '/etc/libvirt/qemu/*.xml /etc/libvirt/qemu/autostart /etc/libvirt/qemu/networks/autostart /etc/libvirt/storage',
  '/var/log/libvirt/qemu/* /var/cache/libvirt/qemu/* /var/lib/libvirt/qemu/* /var/lib/libvirt/images/*',
  '/etc/hosts /etc/hostname /etc/resolv.conf /etc/machine-id /var/lib/dbus/machine-id',
].join(' ');

/**
 * The script's duties, in order: keep the shared directories within reach, cover what is the node's own,
 * lay down its files at the first boot, then become the process that reaps orphans until power is cut.
 */
export function bootScript(plan: BootPlan): string {
  const hold = (index: number) => join(plan.data, 'hold', String(index));
  const shared = [...plan.visible.map((path) => ({ from: path, to: path })), { from: plan.guest, to: guestDirectory }];
  return `#!/bin/sh
set -eu
mount --make-rprivate /
hostname ${shellWord(plan.hostname)}

${shared.map(({ from }, index) => `mkdir -p ${shellWord(hold(index))}; mount --rbind ${shellWord(from)} ${shellWord(hold(index))}`).join('\n')}

# A new sysfs, for it shows the network devices of the namespace it was mounted in.
mount -t sysfs sysfs /sys
${coveredDirectories.map((name) => overlay(plan.data, name)).join('\n')}
mkdir -p ${shellWord(join(plan.data, 'root'))}
mount --bind ${shellWord(join(plan.data, 'root'))} /root
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
mkdir -p /run/lock /run/lab
# The kernel is the machine's and goes on; the node boots, and is to know it.
cat /proc/sys/kernel/random/uuid >/run/lab/boot_id
mount --bind -o ro /run/lab/boot_id /proc/sys/kernel/random/boot_id

if [ ! -e /var/lib/lab-installed ]; then
  rm -rf ${notOfThisNode}
  mkdir -p /var/log/lab /etc/libvirt/qemu/networks/autostart
  cd ${shellWord(join(plan.data, 'seed'))}
  # File by file: copying the tree would give its modes to directories that the machine shares with us.
  find . -type f | while read -r file; do
    mkdir -p "/\${file%/*}"
    rm -f "/$file"
    cp -p "$file" "/$file"
  done
  cd /
  touch /var/lib/lab-installed
fi

${shared.map(({ to }, index) => `mkdir -p ${shellWord(to)}; mount --move ${shellWord(hold(index))} ${shellWord(to)}`).join('\n')}
mount -o remount,bind,ro ${guestDirectory}
# The disks of all labs are none of a node's business.
mount -t tmpfs -o ro,mode=0700 tmpfs ${dataRoot}

touch ${bootedMark}
exec tini -- sleep infinity
`;
}

const overlay = (data: string, name: string): string => {
  const upper = join(data, name, 'upper');
  const work = join(data, name, 'work');
  return `mkdir -p ${shellWord(upper)} ${shellWord(work)}; mount -t overlay -o ${shellWord(`lowerdir=/${name},upperdir=${upper},workdir=${work}`)} overlay /${name}`;
};
