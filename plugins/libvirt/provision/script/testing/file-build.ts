/** A build script with real disks: files in the place of volumes, all else as it is on a node. For tests. @module */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLinuxHost } from '../../../../../core/host/linux.ts';
import { type BuildRun, runBuild } from '../build.ts';
import type { MadeDisk } from '../build-disk.ts';
import type { Heard } from '../script-output.ts';

type WantedDisk = Pick<MadeDisk, 'target' | 'filesystem' | 'mountpoint' | 'sizeBytes'>;

/** As one guest of a profile with one script. */
export class FileBuild {
  readonly directory: string;
  readonly host = createLinuxHost({ destination: () => {} });
  readonly heard: Heard[] = [];
  network = false;
  timeoutS = 120;

  /** @param directory that is there */
  constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<FileBuild> {
    return new FileBuild(await mkdtemp('/var/tmp/pvc-build-'));
  }

  /** The file that is a volume. */
  volume(target: string): string {
    return join(this.directory, `${target}.img`);
  }

  async run(
    text: string,
    disks: readonly WantedDisk[],
    {
      signal = new AbortController().signal,
      given = {},
      heard = (one: Heard) => void this.heard.push(one),
    }: Partial<Pick<BuildRun, 'signal' | 'heard'>> & { readonly given?: Readonly<Record<string, string>> } = {},
  ): Promise<void> {
    for (const { target, sizeBytes } of disks) {
      await writeFile(this.volume(target), '');
      await truncate(this.volume(target), sizeBytes);
    }
    const machine = { vcpus: 1, memoryMiB: 512, macs: ['52:54:00:00:00:01'], sshKeys: ['ssh-ed25519 AAAA admin@site'] };
    await runBuild(
      this.host,
      {
        script: { name: 'fill', text, network: this.network, timeoutS: this.timeoutS },
        guest: { name: 'Web_1', uuid: randomUUID(), hostname: 'web-1', profile: 'web', ...machine },
        arguments: given,
        disks: disks.map((disk) => ({
          ...disk,
          ...{ volume: `vms/web-${disk.target}`, uuid: disk.filesystem === undefined ? undefined : randomUUID() },
          options: { driver: 'file', filename: this.volume(disk.target) },
        })),
      },
      { directory: join(this.directory, 'work'), signal, heard },
    );
  }

  /** What the node still has of it: mounts, loop devices, processes, files. */
  async left(): Promise<string[]> {
    const found: string[] = [];
    for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n'))
      if (line.includes(this.directory)) found.push(line);
    for (const name of await readdir('/sys/block')) {
      const file = `/sys/block/${name}/loop/backing_file`;
      const backing = await readFile(file, 'utf8').catch(() => '');
      if (backing.includes(this.directory)) found.push(`${name} ${backing}`);
    }
    for (const pid of await readdir('/proc')) {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (Number(pid) !== process.pid && words.includes(this.directory)) found.push(words.replaceAll('\u0000', ' '));
    }
    for (const name of await readdir(this.directory)) if (!name.endsWith('.img')) found.push(name);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
