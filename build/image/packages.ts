/** What the image of a server that boots from the network consists of, besides what every node needs. @module */

export const imagePackages: Readonly<Record<string, string>> = {
  'linux-image-amd64': 'the kernel, with the drivers of real servers',
  'firmware-linux-free': 'what cards need besides their drivers, as far as it is free',
  'systemd-sysv': 'init',
  dbus: 'systemd asks it',
  udev: 'finds devices',
  kmod: 'modprobe',
  'initramfs-tools': 'makes the initramfs that fetches the root',
  busybox: 'wget and sha256sum in the initramfs',
  zstd: 'packs the initramfs',
  'ca-certificates': 'for curl',
  'util-linux-extra': 'hwclock',
  lvm2: 'disks of the storage',
  'cryptsetup-bin': 'the same',
  gdisk: 'the same',
  parted: 'the same',
  procps: 'ps and sysctl',
  'iputils-ping': 'ping',
  less: 'reading',
  'openssh-server': 'a way in, for the keys that the site adds',
  chrony: 'the right time, without which no certificate is valid',
};
