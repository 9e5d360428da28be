/** What an import makes of a chain of exports: the guest and its disks under their new names. Pure. @module */
import { type DefinedVm, fromXml } from '../domain/define.ts';
import { withoutMacs } from '../domain/mac.ts';
import type { Disk } from '../schema.ts';
import type { ExportSet } from './chain.ts';
import { exportError } from './export-errors.ts';
import { type DiskCopy, volumeName } from './manifest.ts';

export interface ImportWish {
  /** Another name than its own. */
  readonly name: string | undefined;
  /** Another pool than that of each disk. */
  readonly pool: string | undefined;
  /** The guest that was exported is there still: nothing of it may be taken. */
  readonly beside: boolean;
}

export interface ImportedVolume {
  readonly target: string;
  /** POOL/NAME. */
  readonly volume: string;
  readonly newest: DiskCopy;
  readonly copies: readonly (DiskCopy & { readonly directory: string; readonly since: string | null })[];
}

export interface Imported {
  readonly defined: DefinedVm;
  readonly disks: readonly Disk[];
  readonly volumes: readonly ImportedVolume[];
  /** Volumes that it only reads, which must be there, by target. */
  readonly readOnly: readonly { readonly target: string; readonly volume: string }[];
  readonly warnings: readonly string[];
}

const volumeOf = ({ source }: Disk): string | undefined =>
  source.type === 'volume' ? `${source.pool}/${source.volume}` : undefined;

/** The copies of one disk, the full one first. */
function copiesOf(chain: readonly ExportSet[], target: string): ImportedVolume['copies'] {
  const copies = chain.flatMap(({ directory, manifest }) =>
    manifest.disks.filter((one) => one.target === target).map((one) => ({ ...one, directory })),
  );
  return copies.map((one, at) => ({ ...one, since: copies[at - 1]?.snapshot ?? null }));
}

/** @throws PvcError VM_IMPORT_UNFIT, VM_XML_MALFORMED, VM_XML_INVALID */
export function importOf(chain: readonly [ExportSet, ...ExportSet[]], wish: ImportWish): Imported {
  const { guest, disks: copied } = (chain.at(-1) ?? chain[0]).manifest;
  const unfit = (reason: string) => exportError('VM_IMPORT_UNFIT', { vm: guest.name, reason });
  const { uuid: _uuid, ...defined } = fromXml(guest.xml);
  const { fields } = defined;
  if (fields.name !== guest.name || _uuid !== guest.uuid) throw unfit('its definition is that of another guest');
  const name = wish.name ?? guest.name;
  const ownNames = name === guest.name && !wish.beside;
  const volumes = copied.map((newest): ImportedVolume => {
    const { target, volume } = newest;
    const [pool = '', own = ''] = volume.split('/');
    const wanted = volumeName.safeParse(`${wish.pool ?? pool}/${ownNames ? own : `${name}-${target}`}`);
    if (!wanted.success) throw unfit(`the name ${name}-${target} is too long for the volume of its disk ${target}`);
    const copies = copiesOf(chain, target);
    if (copies.some(({ form }) => form !== newest.form))
      throw unfit(`the copies of its disk ${target} are of two forms`);
    return { target, volume: wanted.data, newest, copies };
  });
  const twice = volumes.find(({ volume }, at) => volumes.findIndex((one) => one.volume === volume) !== at);
  if (twice !== undefined)
    throw unfit(`two of its disks would lie in ${twice.volume}: give it another name, or no pool`);
  const disks = fields.disks.map((disk): Disk => {
    const imported = volumes.find(({ target }) => target === disk.target);
    if (imported === undefined) {
      if (disk.source.type === 'volume' && !disk.readonly) throw unfit(`its disk ${disk.target} was not exported`);
      return disk;
    }
    if (volumeOf(disk) !== imported.newest.volume || disk.readonly)
      throw unfit(`its disk ${disk.target} is another one than the one that was exported`);
    const [pool = '', volume = ''] = imported.volume.split('/');
    return { ...disk, source: { type: 'volume', pool, volume } };
  });
  const strange = volumes.find(({ target }) => !disks.some((disk) => disk.target === target));
  if (strange !== undefined) throw unfit(`it has no disk ${strange.target}, which was exported`);
  const named = { ...(wish.beside ? withoutMacs(fields) : fields), name };
  return {
    defined: { ...defined, ...(wish.beside ? {} : { uuid: guest.uuid }), fields: { ...named, disks: [] } },
    disks,
    volumes,
    readOnly: disks.flatMap((disk) => {
      const volume = volumeOf(disk);
      return disk.readonly && volume !== undefined ? [{ target: disk.target, volume }] : [];
    }),
    warnings: disks.flatMap(({ target, source }) =>
      'path' in source ? [`its disk ${target} is ${source.path}, which was not exported: its node must have that`] : [],
    ),
  };
}
