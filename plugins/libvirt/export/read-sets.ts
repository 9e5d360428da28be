/** Reads the manifests of exports that lie on this node. Nothing outside of their directories is looked at. @module */
import type { Host } from '../../../core/plugin/api.ts';
import type { ExportSet } from './chain.ts';
import { exportError } from './export-errors.ts';
import { type Manifest, manifestMaxBytes, manifestName, readManifest } from './manifest.ts';

type Files = Pick<Host, 'files'>;

/** What is wrong with a file of a set before anything of it is read; undefined: nothing. */
async function unfit({ files }: Files, directory: string, name: string): Promise<string | undefined> {
  const path = `${directory}/${name}`;
  const stat = await files.stat(path);
  if (stat === undefined) return `its file ${name} is missing`;
  if (stat.kind !== 'file') return `${name} is no file`;
  // A link could name any file of the node.
  if ((await files.realPath(path)) !== `${await files.realPath(directory)}/${name}`) return `${name} is a link`;
  return undefined;
}

/** @throws PvcError VM_EXPORT_NO_DIRECTORY, VM_EXPORT_UNFIT */
async function readSet(host: Files, node: string, directory: string): Promise<ExportSet> {
  const wrong = (reason: string) => exportError('VM_EXPORT_UNFIT', { path: directory, node, reason });
  const { files } = host;
  if ((await files.stat(directory))?.kind !== 'directory')
    throw exportError('VM_EXPORT_NO_DIRECTORY', { path: directory, node });
  const problem = await unfit(host, directory, manifestName);
  if (problem !== undefined) throw wrong(problem);
  const path = `${directory}/${manifestName}`;
  if (((await files.stat(path))?.size ?? 0) > manifestMaxBytes) throw wrong(`${manifestName} is too large`);
  const read = readManifest((await files.readText(path)) ?? '');
  if ('problem' in read) throw wrong(read.problem);
  for (const { file, bytes } of read.manifest.disks) await needCopy(host, node, directory, { file, bytes });
  return { directory, manifest: read.manifest };
}

/** @throws PvcError VM_EXPORT_UNFIT for a file of a disk that is not there, a link, or of another size */
export async function needCopy(
  host: Files,
  node: string,
  directory: string,
  { file, bytes }: Pick<Manifest['disks'][number], 'file' | 'bytes'>,
): Promise<void> {
  const wrong = (reason: string) => exportError('VM_EXPORT_UNFIT', { path: directory, node, reason });
  const problem = await unfit(host, directory, file);
  if (problem !== undefined) throw wrong(problem);
  const size = (await host.files.stat(`${directory}/${file}`))?.size;
  if (size !== bytes) throw wrong(`${file} has ${size} bytes, and should have ${bytes}`);
}

/** @throws PvcError VM_EXPORT_NO_DIRECTORY, VM_EXPORT_UNFIT */
export async function readSets(host: Files, node: string, directories: readonly string[]): Promise<ExportSet[]> {
  const sets: ExportSet[] = [];
  for (const directory of directories) sets.push(await readSet(host, node, directory));
  return sets;
}
