/** What the guests of a command are made from, and each of them as it is to be. @module */
import { type Doc, names, type View } from '../../../core/plugin/api.ts';
import type { GuestFlags } from '../domain/create.ts';
import { given } from '../given.ts';
import type { Disk } from '../schema.ts';
import type { CreateInput } from './create-input.ts';
import type { ImageSpec } from './image-kind.ts';
import { seedSerial } from './metadata/addresses.ts';
import { networkTemplate } from './network-template.ts';
import type { Profile } from './profile.ts';
import { provisionError } from './provision-errors.ts';
import { diskProblem, storageTemplate, type TemplateDisk } from './storage-template.ts';
import { systemTemplate } from './system-template.ts';
import { userdata as userdataKind } from './userdata.ts';

/** What a profile names. @throws PvcError OBJECT_NOT_FOUND */
export async function partsOf(view: View, spec: Profile) {
  return {
    system: await view.need(systemTemplate, spec.system),
    storage: await view.need(storageTemplate, spec.storage),
    network: spec.network === null ? undefined : await view.need(networkTemplate, spec.network),
    userdata: spec.userdata === null ? undefined : await view.need(userdataKind, spec.userdata),
  };
}

export type Parts = Awaited<ReturnType<typeof partsOf>>;
export type Images = ReadonlyMap<string, Doc<ImageSpec, null>>;
/** A guest as it is to be, and what its disks are made of. */
interface Draft {
  readonly name: string;
  readonly flags: GuestFlags;
  readonly makes: readonly (Omit<CreateInput['volumes'][number], 'id' | 'target'> &
    Pick<TemplateDisk, 'filesystem' | 'mountpoint'>)[];
  /** The volume for cloud-init; undefined: it asks over the network. */
  readonly seed: string | undefined;
}

/** `web`, or `web1` to `web3`. @throws PvcError PROVISION_UNFIT */
export function namesOf(profile: string, name: string, count: number | undefined): string[] {
  if (count === undefined) return [name];
  return Array.from({ length: count }, (_none, at) => {
    const read = names.objectName.safeParse(`${name}${at + 1}`);
    if (!read.success)
      throw provisionError('PROVISION_UNFIT', { profile, reason: `the name ${name}${at + 1} is too long` });
    return read.data;
  });
}

/** A volume of a guest. @throws PvcError PROVISION_UNFIT */
function volumeOf(profile: string, pool: string, guest: string, part: string): string {
  const read = names.objectName.safeParse(`${guest}-${part}`);
  if (!read.success)
    throw provisionError('PROVISION_UNFIT', { profile, reason: `the name ${guest}-${part} of a volume is too long` });
  return `${pool}/${read.data}`;
}

/** Pure. @throws PvcError PROVISION_UNFIT */
export function draftOf(
  { id: profile, spec: { seed: way } }: Doc<Profile, null>,
  name: string,
  { system, storage, network }: Parts,
  images: Images,
): Draft {
  const { meta: _meta, name: _name, description: _text, memoryMiB, ...machine } = system.spec;
  // The template may have come before an image of another size took the name.
  const reason = diskProblem(storage.spec.disks, new Map([...images].map(([image, doc]) => [image, doc.spec])));
  if (reason !== undefined) throw provisionError('PROVISION_UNFIT', { profile, reason });
  const makes = storage.spec.disks.map((disk, at) => {
    const image = disk.image === undefined ? undefined : images.get(disk.image)?.spec;
    if (image !== undefined && image.minMemoryMiB > memoryMiB)
      throw provisionError('PROVISION_UNFIT', {
        profile,
        reason: `the image ${image.name} needs ${image.minMemoryMiB} MiB of memory, and the system template ${system.id} gives ${memoryMiB}`,
      });
    return {
      volume: volumeOf(profile, disk.pool, name, `disk${at + 1}`),
      sizeBytes: disk.sizeBytes ?? image?.sizeBytes ?? 0,
      from: image === undefined ? null : { volume: image.volume, snapshot: image.snapshot },
      filesystem: disk.filesystem,
      mountpoint: disk.mountpoint,
    };
  });
  if (way === 'network' && !(network?.spec.nics ?? []).some(({ source }) => source.type === 'network'))
    throw provisionError('PROVISION_UNFIT', {
      profile,
      reason: 'cloud-init is to be told over the network, and none of its cards is on a network of the cluster',
    });
  const seed = way === 'disk' ? volumeOf(profile, storage.spec.disks[0]?.pool ?? '', name, 'seed') : undefined;
  const sourceOf = (volume: string): Disk['source'] => {
    const [pool = '', of = ''] = volume.split('/');
    return { type: 'volume', pool, volume: of };
  };
  const flags = {
    ...given(machine),
    ...{ name, memoryMiB },
    disks: [
      ...makes.map(({ volume }, at) => ({
        source: sourceOf(volume),
        ...given({ bus: storage.spec.disks[at]?.bus }),
      })),
      ...(seed === undefined ? [] : [{ source: sourceOf(seed) }]),
    ],
    nics: (network?.spec.nics ?? []).map((nic) => given(nic)),
    ...(seed === undefined ? { serial: seedSerial } : {}),
  } as GuestFlags;
  return { name, flags, makes, seed };
}
