/**
 * A real libvirtd for tests, in namespaces of its own (mounts, network, processes, host name): nothing of it is to
 * be seen on the machine but the processes and one directory in /tmp, and all ends when the test's process ends.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { bootDisk } from './boot-sector.ts';

const needed: readonly (readonly [file: string, debianPackage: string])[] = [
  ['/usr/sbin/libvirtd', 'libvirt-daemon-system'],
  ['/usr/bin/virsh', 'libvirt-clients'],
  ['/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so', 'libvirt-daemon-driver-qemu'],
  ['/usr/bin/qemu-system-x86_64', 'qemu-system-x86'],
];

/** Directories that libvirtd gets for itself, and their place in the rig's directory. */
const private_: readonly (readonly [place: string, directory: string])[] = [
  ['run', '/run'],
  ['etc', '/etc/libvirt'],
  ['lib', '/var/lib/libvirt'],
  ['log', '/var/log/libvirt'],
  ['cache', '/var/cache/libvirt'],
];

const qemuConf = `security_driver="none"
user="root"
group="root"
cgroup_controllers=[]
namespaces=[]
remember_owner=0
stdio_handler="file"
`;

/**
 * PID 1 of the namespace. It must be a shell that reaps orphans (bash does, dash and sleep do not): libvirtd
 * waits 40 s for each QEMU that it has killed and that stays a zombie. It runs the lines that the test sends and ends with its input.
 */
const init = (dir: string, name: string): string => `
set -e
hostname ${name}
mount --make-rprivate /
${private_.map(([place, directory]) => `mount --bind ${dir}/${place} ${directory}`).join('\n')}
mount --bind ${dir}/hosts /etc/hosts
mount --bind ${dir}/resolv.conf /etc/resolv.conf
ip link set lo up
set +e
while IFS= read -r line; do eval "$line"; done
`;

export interface PrivateLibvirtdOptions {
  /** Host name inside, and the start of its host UUID's last part. */
  readonly name?: string;
  /** Listens on this port of 127.0.0.1 too, as the destination of a migration must. */
  readonly tcpPort?: number;
  /** Lives in the network namespace of another one, so that both reach each other on 127.0.0.1. */
  readonly besides?: PrivateLibvirtd;
}

export class PrivateLibvirtd implements AsyncDisposable {
  readonly dir: string;
  readonly socketPath: string;
  private readonly shell: ChildProcess;
  private readonly daemonFlags: string;
  private lines = 0;
  private readonly exited: Promise<void>;

  private constructor(dir: string, shell: ChildProcess, daemonFlags: string) {
    this.daemonFlags = daemonFlags;
    this.dir = dir;
    this.socketPath = join(dir, 'run/libvirt/libvirt-sock');
    this.shell = shell;
    this.exited = new Promise((resolve) => shell.once('exit', () => resolve()));
  }

  /** Starts one and waits until it answers. Throws, naming the package, when something is not installed. */
  static async start(options: PrivateLibvirtdOptions = {}): Promise<PrivateLibvirtd> {
    const missing = needed
      .filter(([file]) => !existsSync(file))
      .map(([file, debianPackage]) => `${debianPackage} (${file})`);
    if (missing.length > 0) throw new Error(`these tests need a real libvirt; install ${missing.join(', ')}`);
    if (process.getuid?.() !== 0) throw new Error('these tests make namespaces: run them as root');
    const name = options.name ?? 'hv1';
    const dir = await mkdtemp('/tmp/pvc-libvirtd-');
    for (const [place] of private_) await mkdir(join(dir, place));
    // /var/lock points here; without it libvirt cannot open a console.
    await mkdir(join(dir, 'run/lock'));
    const hostUuid = `8e5f0a6e-6d0c-4f39-9d8b-${Buffer.from(name.padEnd(6)).toString('hex').slice(0, 12)}`;
    const tcp =
      options.tcpPort === undefined
        ? ''
        : `listen_tcp=1\nlisten_tls=0\nauth_tcp="none"\nlisten_addr="127.0.0.1"\ntcp_port="${options.tcpPort}"\n`;
    await writeFile(join(dir, 'etc/libvirtd.conf'), `${tcp}auth_unix_rw="none"\nhost_uuid="${hostUuid}"\n`);
    await writeFile(join(dir, 'etc/qemu.conf'), qemuConf);
    await writeFile(join(dir, 'hosts'), `127.0.0.1 localhost ${name}\n`);
    await writeFile(join(dir, 'resolv.conf'), '');
    await writeFile(join(dir, 'boot.img'), bootDisk());
    await writeFile(join(dir, 'init.sh'), init(dir, name));
    await writeFile(join(dir, 'output'), '');
    const enterNet =
      options.besides === undefined ? [] : ['nsenter', `--net=/proc/${options.besides.shell.pid}/ns/net`];
    // unshare makes the network namespace and keeps it itself, so that its pid names it for others.
    const argv = [
      ...enterNet,
      'unshare',
      '-m',
      '-u',
      '-p',
      ...(options.besides === undefined ? ['-n'] : []),
      '-f',
      '--mount-proc',
      '--kill-child',
      'bash',
      join(dir, 'init.sh'),
    ];
    const shell = spawn(argv[0] as string, argv.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    });
    for (const output of [shell.stdout, shell.stderr])
      output?.on('data', (text: Buffer) => void appendFile(join(dir, 'output'), text));
    // For a test that is ended before its clean-up: the processes end with their input, the directory here.
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    const rig = new PrivateLibvirtd(dir, shell, options.tcpPort === undefined ? '' : '-l');
    try {
      await rig.startDaemon();
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts libvirtd (again) and waits until it accepts connections. */
  async startDaemon(): Promise<void> {
    await this.run(`libvirtd ${this.daemonFlags} >>${this.dir}/libvirtd.log 2>&1 &`);
    for (let tries = 0; tries < 100; tries++) {
      if (await accepts(this.socketPath)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`libvirtd did not come up:\n${await this.log()}`);
  }

  /** Sends libvirtd a signal. */
  signalDaemon(signal: 'KILL' | 'STOP' | 'CONT'): Promise<void> {
    return this.run(`kill -${signal} $(cat /run/libvirtd.pid)`);
  }

  /** Sends the QEMU of a guest a signal. */
  signalGuest(name: string, signal: 'KILL' | 'STOP' | 'CONT'): Promise<void> {
    return this.run(`kill -${signal} $(cat /run/libvirt/qemu/${name}.pid)`);
  }

  /** Runs a line of shell inside; resolves when it is done. */
  run(line: string): Promise<void> {
    const mark = `done-${++this.lines}`;
    this.shell.stdin?.write(`${line}\necho ${mark}\n`);
    return new Promise((resolve) => {
      const look = (text: Buffer): void => {
        if (!text.toString().split('\n').includes(mark)) return;
        this.shell.stdout?.off('data', look);
        resolve();
      };
      this.shell.stdout?.on('data', look);
    });
  }

  async log(): Promise<string> {
    const read = (file: string): Promise<string> => readFile(join(this.dir, file), 'utf8').catch(() => '');
    return `${await read('output')}${await read('libvirtd.log')}`;
  }

  /** XML of a guest that runs the boot sector under emulation. `devices` is added to its devices. */
  guestXml(name: string, uuid: string, devices = ''): string {
    return `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>32</memory><vcpu current='1'>2</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os><features><acpi/></features><on_poweroff>destroy</on_poweroff>
      <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
        <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${this.dir}/boot.img'/><target dev='vda' bus='virtio'/><readonly/></disk>
        <serial type='pty'/><memballoon model='virtio'/>${devices}</devices></domain>`;
  }

  /** Ends libvirtd and its guests and removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.shell.kill('SIGKILL');
    await this.exited;
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const accepts = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
