/**
 * What lies beside the copies of a guest's disks and says what they are: `pvc-guest.json`. When it is read it is foreign
 * input: whatever goes into a path, a command or the store is checked here.
 * @module
 */
import { issueLines, names, z } from '../../../core/plugin/api.ts';
import { diskTarget, vmSpec, word } from '../schema.ts';
import { quiets, snapshotName } from '../snapshot/snapshot-kind.ts';

export const manifestName = 'pvc-guest.json';
export const manifestMaxBytes = 4 * 1024 * 1024;

const newest = 1;

/** POOL/NAME, each of which is a name. */
export const volumeName = z
  .string()
  .regex(/^[^/]+\/[^/]+$/, 'a volume is named POOL/NAME')
  .refine(
    (text) => text.split('/').every((part) => names.objectName.safeParse(part).success),
    'names of letters, digits, ".", "_" and "-"',
  );

/** The name of the file of a disk: its target says it, so nothing else can be named. */
export const copyFile = (target: string): string => `${target}.copy`;

const moment = z.strictObject({ id: names.uuid, name: snapshotName });

/** What of a guest its XML does not say. */
export const guestMeta = vmSpec.pick({
  run: true,
  autostart: true,
  priority: true,
  tags: true,
  protected: true,
  limit: true,
  selector: true,
  migration: true,
  shutdown: true,
  restart: true,
});

const diskCopy = z
  .strictObject({
    target: diskTarget,
    /** Where it lay, POOL/NAME. */
    volume: volumeName,
    /** What the snapshot is called in the storage. */
    snapshot: names.objectName,
    /** Of the volume, as it was in the snapshot. */
    sizeBytes: z.int().min(512),
    file: z.string(),
    /** Of the file. */
    bytes: z.int().min(1),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 hexadecimal digits'),
    /** How the storage writes copies. */
    form: word,
    /** What else the storage knows of the volume; it checks that itself. */
    settings: z.json(),
  })
  .refine(({ target, file }) => file === copyFile(target), { path: ['file'], message: 'is TARGET.copy' });

const unique = (values: readonly string[]): boolean => new Set(values).size === values.length;

export const manifestSchema = z.strictObject({
  format: z.literal('pvc-guest'),
  version: z.literal(newest),
  writtenMs: z.int(),
  guest: z.strictObject({
    uuid: names.uuid,
    name: names.objectName,
    /** As `pvc vm dump` shows it. */
    xml: z
      .string()
      .min(1)
      .max(1024 * 1024),
    meta: guestMeta,
  }),
  snapshot: moment.extend({ createdMs: z.int(), quiet: z.enum(quiets), quietMs: z.int().min(0) }),
  /** The export that this one builds on; null: it is a full one. */
  since: moment.nullable(),
  disks: z
    .array(diskCopy)
    .min(1)
    .max(256)
    .refine((disks) => unique(disks.map(({ target }) => target)), 'a target is there twice')
    .refine((disks) => unique(disks.map(({ volume }) => volume)), 'a volume is there twice'),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type DiskCopy = Manifest['disks'][number];

const envelope = z.looseObject({ format: z.string(), version: z.int() });

/** Reads a manifest. Pure. @returns it, or what is wrong */
export function readManifest(text: string): { readonly manifest: Manifest } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `its ${manifestName} is no JSON: ${(error as Error).message}` };
  }
  const outside = envelope.safeParse(value);
  if (!outside.success || outside.data.format !== 'pvc-guest')
    return { problem: `its ${manifestName} is not that of an exported guest` };
  if (outside.data.version !== newest)
    return { problem: `it was written in version ${outside.data.version} of its form; this PVC reads ${newest}` };
  const read = manifestSchema.safeParse(value);
  return read.success ? { manifest: read.data } : { problem: `${manifestName}: ${issueLines(read.error).join('; ')}` };
}
