/** Ceph's map of OSDs, its commands, and `ceph-volume` on the disks of one node, in memory. @module */
import type { VirtualFiles } from '../../../core/host/virtual-files.ts';
import { type Answer, RecordedLvm, refusal } from './recorded-lvm.ts';

interface Entry {
  uuid: string;
  up: boolean;
  weight: number;
  destroyed: boolean;
}

const nobody = '00000000-0000-0000-0000-000000000000';
const directoryOf = (id: number): string => `/var/lib/ceph/osd/ceph-${id}`;

export class RecordedCeph {
  readonly lvm = new RecordedLvm();
  readonly osds = new Map<number, Entry>();
  readonly #files: VirtualFiles;
  readonly #running = new Set<number>();

  constructor(files: VirtualFiles) {
    this.#files = files;
  }

  get state(): object {
    const paths = Object.keys(this.#files.snapshot()).filter((path) => path.startsWith('/var/lib/ceph/osd/'));
    return {
      osds: [...this.osds].map(([id, entry]) => ({ id, ...entry })),
      volumes: this.lvm.state,
      directories: [...new Set(paths.map((path) => path.split('/').slice(0, 6).join('/')))],
      running: [...this.#running].toSorted(),
    };
  }

  start(id: number): void {
    const entry = this.osds.get(id);
    if (entry === undefined || entry.destroyed) return;
    this.#running.add(id);
    entry.up = true;
    // A new OSD is let in (mon_osd_auto_mark_new_in).
    if (entry.weight === -1) entry.weight = 1;
  }

  stop(id: number): void {
    this.#running.delete(id);
    const entry = this.osds.get(id);
    if (entry !== undefined) entry.up = false;
  }

  /** @param half the program is killed in the middle */
  async answer(argv: readonly string[], half: boolean): Promise<Answer> {
    const [command = '', ...args] = argv;
    const lvm = this.lvm.answer(argv);
    if (lvm !== undefined) return lvm;
    // No session: each question comes by the command.
    if (command === '/usr/bin/python3') return { code: 1 };
    if (command === 'ceph') return this.#ceph(args.slice(2).filter((word) => word !== '--format' && word !== 'json'));
    if (command === 'ceph-volume') return this.#volume(args, half);
    if (command === 'ceph-bluestore-tool') {
      const volume = this.lvm.volume(args.at(-1) ?? '');
      if (volume?.tags === undefined) return { code: 1 };
      const { fsid, id } = volume.tags;
      const end = volume.ready ? { ready: 'ready' } : {};
      return { stdout: JSON.stringify({ x: { osd_uuid: fsid, whoami: String(id), ...end } }) };
    }
    if (command === 'install') await this.#files.makeDirectory(args.at(-1) ?? '');
    // Of util-linux and coreutils; a blank disk has no signatures.
    if (['wipefs', 'install', 'chown', 'umount', 'ln'].includes(command)) return {};
    throw new Error(`nobody recorded ${argv.join(' ')}`);
  }

  #ceph(words: readonly string[]): Answer {
    const text = words.join(' ');
    const id = Number(words[2]?.replace('osd.', ''));
    const entry = this.osds.get(id);
    if (text === 'osd dump')
      return { stdout: JSON.stringify({ osds: [...this.osds].map(([osd, one]) => dumped(osd, one)) }) };
    if (text.startsWith('osd new '))
      return this.#new(words[2] ?? '', words[3] === undefined ? undefined : Number(words[3]));
    if (text.startsWith('osd purge ') || text.startsWith('osd destroy ')) {
      if (entry?.up === true) return { code: 16, stderr: `Error EBUSY: osd.${id} is not \`down\`.` };
      if (words[1] === 'purge') this.osds.delete(id);
      else if (entry !== undefined) Object.assign(entry, { uuid: nobody, destroyed: true, weight: 0 });
      return {};
    }
    if (entry !== undefined && words[1] === 'out') entry.weight = 0;
    if (entry !== undefined && words[1] === 'in') entry.weight = 1;
    if (entry !== undefined && words[1] === 'reweight') entry.weight = Number(words[3]);
    if (text.startsWith('osd safe-to-destroy')) return { stdout: JSON.stringify({ safe_to_destroy: [id] }) };
    if (text === 'pg stat') return { stdout: JSON.stringify({ pg_summary: { num_pgs: 0, num_pg_by_state: [] } }) };
    if (text === 'osd df') return { stdout: JSON.stringify({ nodes: [] }) };
    if (text === 'osd tree') return { stdout: JSON.stringify({ nodes: [] }) };
    if (text.startsWith('auth get-or-create')) return { stdout: JSON.stringify([{ key: 'AQ' }]) };
    return {};
  }

  #new(uuid: string, wanted: number | undefined): Answer {
    const known = [...this.osds].find(([, one]) => one.uuid === uuid);
    if (known !== undefined) return { stdout: `${known[0]}\n` };
    if (wanted !== undefined && this.osds.get(wanted)?.destroyed !== true) return refusal('prepare-osd-id-in-use');
    let id = wanted ?? 0;
    while (wanted === undefined && this.osds.has(id)) id += 1;
    this.osds.set(id, { uuid, up: false, weight: -1, destroyed: false });
    return { stdout: `${id}\n` };
  }

  async #volume(args: readonly string[], half: boolean): Promise<Answer> {
    const option = (name: string): string | undefined =>
      args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
    const [kind, verb] = args;
    if (verb === 'list') return kind === 'lvm' ? this.lvm.list() : { stdout: '{}' };
    if (verb === 'prepare') return this.#prepare(option('--data') ?? '', option, half);
    if (verb === 'zap') return this.#zap(args.at(-1) ?? '', half);
    const [id, fsid] = [Number(args.at(-2)), args.at(-1) ?? ''];
    const found = [...this.lvm.groups.values()].flatMap(({ volumes }) => [...volumes.values()]);
    if (!found.some(({ tags }) => tags?.id === id && tags.fsid === fsid)) return refusal('activate-unknown');
    await this.#files.makeDirectory(directoryOf(id));
    await this.#files.writeAtomic(`${directoryOf(id)}/fsid`, `${fsid}\n`);
    return refusal('activate');
  }

  async #prepare(name: string, option: (name: string) => string | undefined, half: boolean): Promise<Answer> {
    const volume = this.lvm.volume(name);
    if (volume === undefined) return refusal('prepare-db-missing');
    if (volume.tags !== undefined) return refusal('division-prepare-again');
    const fsid = option('--osd-fsid') ?? '';
    // The key that is made anew each time does not fit one that is known.
    if ([...this.osds.values()].some((one) => one.uuid === fsid)) return refusal('prepare-same-fsid-after-kill');
    const wanted = option('--osd-id');
    const number = this.#new(fsid, wanted === undefined ? undefined : Number(wanted));
    if (number.code !== undefined) return number;
    const id = Number(number.stdout);
    const db = option('--block.db');
    volume.tags = { id, fsid, ...(db === undefined ? {} : { db }) };
    const database = db === undefined ? undefined : this.lvm.volume(db);
    if (database !== undefined) database.tags = { id, fsid };
    await this.#files.makeDirectory(directoryOf(id));
    await this.#files.writeAtomic(`${directoryOf(id)}/keyring`, 'AQ');
    if (half) return {};
    volume.ready = true;
    return refusal('division-prepare');
  }

  async #zap(name: string, half: boolean): Promise<Answer> {
    const volume = this.lvm.volume(name);
    if (volume === undefined) return refusal('division-zap-again');
    if (volume.tags !== undefined && this.#running.has(volume.tags.id)) return refusal('zap-running-device');
    volume.ready = false;
    if (volume.tags !== undefined) await this.#files.remove(directoryOf(volume.tags.id));
    if (half) return {};
    const [group = '', own = ''] = name.split('/');
    const volumes = this.lvm.groups.get(group)?.volumes;
    volumes?.delete(own);
    if (volumes?.size === 0) this.lvm.groups.delete(group);
    return refusal('division-zap');
  }
}

const dumped = (osd: number, { uuid, up, weight, destroyed }: Entry): object => ({
  ...{ osd, uuid, up: up ? 1 : 0, in: weight > 0 ? 1 : 0, weight: Math.max(0, weight) },
  state: ['exists', ...(up ? ['up'] : []), ...(destroyed ? ['destroyed'] : [])],
});
