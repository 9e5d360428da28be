#!/bin/sh
# The first process of the machine after its initramfs: a node on the machine's own Debian, seen through an overlay. $1: the
# repository, $2: where the modules of this kernel lie. What it prints, main.ts reads.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
say() { echo "machine: $*"; }
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for directory in /dev/shm /run; do mount -t tmpfs -o mode=1777 tmpfs "$directory"; done
mkdir -p /run/lock /lib/modules
rm -rf /etc/pvc /var/lib/pvc /var/log/pvc /usr/lib/pvc /etc/libvirt/qemu/*.xml /etc/hosts /etc/resolv.conf
mount --bind "$2" /lib/modules
hostname hv1
modprobe tun
printf '127.0.0.1 localhost\n10.10.0.1 hv1\n' >/etc/hosts
: >/etc/resolv.conf
ip link set lo up
ip address add 10.10.0.1/24 dev eth0
ip link set eth0 up
mkdir -p /etc/pvc
cp "$1/test/vlan/pvc.yaml" /etc/pvc/pvc.yaml
chmod 600 /etc/pvc/pvc.yaml
printf '#!/bin/sh\nexec %s/dist/pvc "$@"\n' "$1" >/usr/bin/pvc
chmod 755 /usr/bin/pvc

# Whatever fails ends the machine, and so the demonstration. To a file: the console is a terminal, on which `pvc` paints.
step() {
  say "\$ $*"
  "$@" >/run/step 2>&1 </dev/null || { cat /run/step; say "FAILED: $*"; tail -n 40 /var/log/pvcd.log; poweroff -f; }
  cat /run/step
}
until_true() {
  tries=0
  until "$@" >/run/until 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { cat /run/until; step "$@"; }
    [ $((tries % 30)) -ne 0 ] || { tail -n 3 /run/until /var/log/pvcd.log; }
    sleep 1
  done
}

say "kernel $(uname -r) of $(. /etc/os-release && echo "$PRETTY_NAME")"
step pvc cluster init --name show
pvc daemon >/var/log/pvcd.log 2>&1 </dev/null &
until_true pvc cluster status
say 'the daemon answers'
step pvc network add dmz --type bridged --vlan 120
has_bridge() { ip -d link show type vlan | grep -q 'vlan protocol 802.1Q id 120' && ip link show type bridge | grep -q state; }
until_true has_bridge
step ip -d link show type vlan
step ip link show type bridge
bridge=$(ip -o link show type bridge | sed 's/^[0-9]*: \([^:@]*\).*/\1/')

# Something plugged into the network like a guest's card, which takes no time to boot.
ip netns add end
ip link add end0 type veth peer name eth0 netns end
ip link set end0 master "$bridge" up
ip -n end link set eth0 address 52:54:00:12:00:02
ip -n end address add 10.120.0.2/24 dev eth0
ip -n end link set eth0 up
say 'an end is plugged in'
step ip netns exec end ping -n -c 3 -W 10 10.120.0.9

guest=/var/lib/pvc-guest
mkdir -p $guest
cp "$3/vmlinuz" "$3/initrd" $guest
step pvc vm create a --memory 160 --vcpus 1 --kernel "$guest/vmlinuz" --initrd "$guest/initrd" \
  --cmdline 'console=ttyS0 pvc.name=a' --nic network=dmz,mac=52:54:00:12:00:03
step pvc vm start a --timeout 900
told() { grep -h 'pvc-guest address eth0 10.120.0.3' /var/log/pvc/console/*.log; }
until_true told
say "the guest says: $(told)"
step pvc fault list
step pvc vm stop a --yes --timeout 300
step pvc vm undefine a --yes
ip link del end0
step pvc network remove dmz --yes
has_none() { [ -z "$(ip -o link show type vlan)" ]; }
until_true has_none
say 'the VLAN is gone'
poweroff -f
