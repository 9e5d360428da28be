#!/bin/sh
# A build script for pvc: installs Debian on the disk of a new guest that is mounted at /, so that it boots by BIOS from it.
#
#   pvc provisioner script add debian debootstrap-guest.sh --network --needs suite --timeout 1h
#   pvc provisioner template storage add debian --disk pool=vms,size=8G,filesystem=ext4,mountpoint=/
#   pvc provisioner profile add debian --system small --storage debian --network office --script debian \
#       --script-arg suite=bookworm --ssh-key "$(cat ~/.ssh/id_ed25519.pub)"
#   pvc provisioner create web1 debian
#
# Arguments: suite; mirror (deb.debian.org unless given); packages, besides those here, separated by commas.
# Needs debootstrap on the nodes. What it is told: "Build scripts" in docs/provisioning.md.
set -eu

suite=$PVC_ARG_SUITE
mirror=${PVC_ARG_MIRROR:-http://deb.debian.org/debian}
packages=linux-image-cloud-amd64,extlinux,systemd-sysv,udev,ifupdown,isc-dhcp-client,openssh-server,ca-certificates

if ! mountpoint -q "$PVC_TARGET"; then
	echo "no disk of the storage template has filesystem=ext4,mountpoint=/" >&2
	exit 1
fi

# It must neither make devices nor mount /proc: both are there, and it may not.
echo "5% installs Debian $suite from $mirror"
container=lxc debootstrap --variant=minbase --include="$packages${PVC_ARG_PACKAGES:+,$PVC_ARG_PACKAGES}" \
	"$suite" "$PVC_TARGET" "$mirror"
chroot "$PVC_TARGET" apt-get clean

echo "90% configures it"
printf '%s' "$PVC_FSTAB" >"$PVC_TARGET/etc/fstab"
echo "$PVC_HOSTNAME" >"$PVC_TARGET/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$PVC_HOSTNAME" >"$PVC_TARGET/etc/hosts"
# Each guest gets its own at its first boot.
: >"$PVC_TARGET/etc/machine-id"
rm -f "$PVC_TARGET"/etc/ssh/ssh_host_*
cat >"$PVC_TARGET/etc/systemd/system/ssh-keys.service" <<'UNIT'
[Unit]
Description=Makes the keys of this host
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
UNIT
printf 'auto lo\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n' >"$PVC_TARGET/etc/network/interfaces"
chroot "$PVC_TARGET" systemctl enable --quiet ssh-keys.service
mkdir -p -m 700 "$PVC_TARGET/root/.ssh"
printf '%s' "$PVC_SSH_KEYS" >"$PVC_TARGET/root/.ssh/authorized_keys"

echo "95% makes it bootable"
mkdir -p "$PVC_TARGET/boot/extlinux"
# The links are Debian's, and lead to the newest kernel.
cat >"$PVC_TARGET/boot/extlinux/extlinux.conf" <<CONF
DEFAULT debian
LABEL debian
  LINUX /vmlinuz
  INITRD /initrd.img
  APPEND root=UUID=$(blkid -s UUID -o value "$(findmnt -no SOURCE "$PVC_TARGET")") ro net.ifnames=0 console=ttyS0
CONF
chroot "$PVC_TARGET" extlinux --install /boot/extlinux
echo "100% done"
