/** A volume on which a guest of the lab stamps blocks, as Ceph has it: see `stamps.ts`. @module */
import { readFile } from 'node:fs/promises';
import { execOn, pathOn } from './exec.ts';
import { readStamps, type Stamps, stampMark } from './stamps.ts';
import type { LabRecord } from './state.ts';

const sizeMiB = 16;

/** Makes such a volume, by commands of pvc on that node. @param volume POOL/NAME @throws LabError, CommandFailed */
export async function makeStampedVolume(record: LabRecord, node: string, volume: string): Promise<void> {
  const file = '/root/stamps';
  await execOn(record, node, ['sh', '-c', `printf '${stampMark}\\n' >${file} && truncate -s ${sizeMiB}M ${file}`]);
  await execOn(record, node, ['pvc', 'storage', 'volume', 'upload', volume, file, '--disk-format', 'raw']);
}

/** What is stamped on it now. @param node one that reaches the storage @throws LabError, CommandFailed, Error as `readStamps` */
export async function stampsOn(record: LabRecord, node: string, volume: string): Promise<Stamps> {
  const file = '/tmp/stamps';
  await execOn(record, node, ['sh', '-c', `rm -f ${file}; exec timeout 30 rbd export --no-progress ${volume} ${file}`]);
  return readStamps(await readFile(await pathOn(record, node, file)));
}
