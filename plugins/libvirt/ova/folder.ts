/** An OVF package in a directory of this node: a descriptor, a manifest, disks. Nothing outside of the directory is looked at. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { type ListedSum, readSums } from './manifest.ts';
import { ovaError } from './ova-errors.ts';
import { type OvfGuest, readOvf } from './ovf.ts';

/** Of a descriptor or a manifest. Real ones have some KiB. */
const mostText = 1024 * 1024;

export interface OvfFolder {
  readonly directory: string;
  readonly guest: OvfGuest;
  /** By name of a file; empty: there is no manifest. */
  readonly sums: ReadonlyMap<string, ListedSum>;
}

type Files = Pick<Host, 'files'>;

/** @throws PvcError OVA_UNFIT for what is not there, no file, or a link: that could name any file of the node */
export async function needPlainFile({ files }: Files, directory: string, name: string): Promise<void> {
  const wrong = (reason: string) => ovaError('OVA_UNFIT', { path: directory, reason });
  const stat = await files.stat(`${directory}/${name}`);
  if (stat === undefined) throw wrong(`its file ${name} is missing`);
  if (stat.kind !== 'file') throw wrong(`${name} is no file`);
  if ((await files.realPath(`${directory}/${name}`)) !== `${await files.realPath(directory)}/${name}`)
    throw wrong(`${name} is a link`);
}

async function readSmall(host: Files, directory: string, name: string): Promise<string> {
  await needPlainFile(host, directory, name);
  if (((await host.files.stat(`${directory}/${name}`))?.size ?? 0) > mostText)
    throw ovaError('OVA_UNFIT', { path: directory, reason: `${name} is too large` });
  return (await host.files.readText(`${directory}/${name}`)) ?? '';
}

/** The descriptor is told apart by its name, as the manifest: the same with another end. @throws PvcError OVA_UNFIT */
export async function readFolder(host: Files, directory: string): Promise<OvfFolder> {
  const wrong = (reason: string) => ovaError('OVA_UNFIT', { path: directory, reason });
  const names = (await host.files.list(directory)) ?? [];
  const descriptors = names.filter((name) => /\.ovf$/i.test(name));
  const [descriptor] = descriptors;
  if (descriptor === undefined) throw wrong('there is no descriptor (*.ovf) in it');
  if (descriptors.length > 1) throw wrong(`there are ${descriptors.length} descriptors (*.ovf) in it`);
  const guest = readOvf(await readSmall(host, directory, descriptor), directory);
  for (const { file } of guest.disks) await needPlainFile(host, directory, file);
  const manifest = names.find((name) => name === descriptor.replace(/\.ovf$/i, '.mf'));
  const sums =
    manifest === undefined ? new Map<string, ListedSum>() : readSums(await readSmall(host, directory, manifest));
  if ('problem' in sums) throw wrong(sums.problem);
  return { directory, guest, sums };
}
