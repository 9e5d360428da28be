/** What an installed server consists of, besides what every node, every coordinator and the image need. @module */

export const installerPackages: Readonly<Record<string, string>> = {
  'grub-pc-bin': 'starts it with BIOS',
  'grub-efi-amd64-bin': 'starts it with UEFI',
  'grub2-common': 'grub-install and update-grub',
  fdisk: 'sfdisk, which divides the disk',
  dosfstools: 'makes the file system from which UEFI starts',
  e2fsprogs: 'makes and checks the file system of the root',
  ifupdown: 'gives the server its address',
  apt: 'upgrades',
  nano: 'an editor',
};
