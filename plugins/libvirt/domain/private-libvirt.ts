/**
 * A libvirtd of its own for tests, in namespaces of its own: nothing of it is seen or left on the
 * machine. Not part of the product.
 * @module
 */
// oxlint-disable pvc/host-seam -- only tests use this file
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** Why it cannot run here, if so. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const absent = [
    '/usr/sbin/libvirtd',
    '/usr/bin/virsh',
    '/usr/bin/qemu-system-x86_64',
    '/usr/bin/qemu-img',
    '/usr/bin/unshare',
    '/usr/sbin/ip',
  ].find((path) => !existsSync(path) && !existsSync(path.replace('/usr/sbin', '/sbin')));
  return absent === undefined ? undefined : `${absent} is not installed`;
}

/** Bridges, images and a kernel's header for the guests of the fixtures; then libvirtd, with emulation only. */
const setup = String.raw`
mount --make-rprivate /
for d in /run /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /srv; do mkdir -p $d; mount -t tmpfs none $d; done
ip link set lo up
for b in br0 br1 br-web; do ip link add $b type bridge; ip link set $b up; done
ip addr add 10.99.0.1/24 dev br0
mkdir -p /srv/images/104 /srv/iso /srv/boot /run/libvirt /var/lib/libvirt/images
for f in images/a.img images/hot.img images/volume.img images/numa.img images/104/vm-104-disk-0.raw images/dos-hd.img iso/windows.iso iso/virtio-win.iso iso/other.iso boot/initrd.img; do truncate -s 4M /srv/$f; done
truncate -s 1474560 /srv/images/dos.img
for f in /srv/images/b.qcow2 /srv/images/web01.qcow2 /srv/images/uefi.qcow2 /srv/images/win2022.qcow2 /var/lib/libvirt/images/debian12.qcow2; do qemu-img create -q -f qcow2 $f 16M; done
truncate -s 64K /srv/boot/vmlinuz
poke() { printf "$2" | dd of=/srv/boot/vmlinuz bs=1 seek=$(($1)) conv=notrunc 2>/dev/null; }
poke 0x1f1 '\004'; poke 0x1fe '\125\252'; poke 0x202 'HdrS\014\002'; poke 0x211 '\001'; poke 0x22c '\377\377\377\177'
printf 'security_driver="none"\nuser="root"\ngroup="root"\ncgroup_controllers=[]\nnamespaces=[]\nremember_owner=0\nstdio_handler="file"\n' > /etc/libvirt/qemu.conf
printf 'auth_unix_rw="none"\n' > /etc/libvirt/libvirtd.conf
libvirtd -f /etc/libvirt/libvirtd.conf </dev/null >/dev/null 2>&1 &
for i in $(seq 100); do virsh -c qemu:///system uri >/dev/null 2>&1 && break; sleep 0.1; done
virsh -c qemu:///system uri
`;

export class PrivateLibvirt {
  readonly #shell: ChildProcess;
  #output = '';

  constructor() {
    // Process 1 of a namespace of its own: when it ends, libvirtd and every guest end with it.
    this.#shell = spawn('unshare', ['-m', '-n', '-p', '-f', '--kill-child', '--mount-proc', 'bash'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#shell.stdout?.setEncoding('utf8');
  }

  /** Runs a shell command in there; what it prints on both outputs, and its exit code. */
  async run(command: string): Promise<{ code: number; output: string }> {
    const { stdin, stdout } = this.#shell;
    if (stdin === null || stdout === null) throw new Error('the shell has no pipes');
    this.#output = '';
    stdin.write(`{ ${command}\n} 2>&1 </dev/null\nprintf '\\n@@end %d\\n' $?\n`);
    for (;;) {
      const end = /\n@@end (\d+)\n$/.exec(this.#output);
      if (end !== null) return { code: Number(end[1]), output: this.#output.slice(0, end.index) };
      const [chunk] = (await once(stdout, 'data')) as [string];
      this.#output += chunk;
    }
  }

  async start(): Promise<void> {
    const { output } = await this.run(setup);
    if (!output.includes('qemu:///system')) throw new Error(`libvirtd did not start: ${output}`);
  }

  /** Gives a command its XML as a file: `virsh create FILE`. */
  async withXml(xml: string, command: (path: string) => string): Promise<{ code: number; output: string }> {
    const path = '/run/test.xml';
    return await this.run(`cat > ${path} <<'PVC-XML'\n${xml}\nPVC-XML\n${command(path)}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#shell, 'exit');
    this.#shell.kill('SIGKILL');
    await ended;
  }
}
