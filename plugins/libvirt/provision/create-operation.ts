/** New guests of a profile. @module */
import {
  type Doc,
  defineMutation,
  formatBytes,
  names,
  type PlanBuilder,
  type PlanContext,
  z,
} from '../../../core/plugin/api.ts';
import { fromFlags } from '../domain/create.ts';
import { given } from '../given.ts';
import { answerOf, placesOf, vmAnswer } from '../operations/common.ts';
import { metaDefaults, withMeta } from '../operations/meta-input.ts';
import { planGuest } from '../operations/new-guest.ts';
import type { VmSpec } from '../schema.ts';
import {
  planInStores,
  poolOf,
  storeFor,
  type VolumeStore,
  type VolumeStoreHook,
  volumeStores,
} from '../snapshot/volume-store.ts';
import { draftOf, type Images, namesOf, type Parts, partsOf } from './create-draft.ts';
import type { createInput } from './create-input.ts';
import { guestSeed, mostSeedBytes } from './guest-seed.ts';
import { image as imageKind } from './image-kind.ts';
import { networkTemplate } from './network-template.ts';
import { type Profile, profile as profileKind } from './profile.ts';
import { provisionError } from './provision-errors.ts';
import { argumentsOf, pairs } from './script/arguments.ts';
import { besidesMs, buildsAtOnce } from './script/build.ts';
import { type BuildPlan, planBuild } from './script/build-plan.ts';
import { seedBytes } from './seed-disk.ts';
import { imagesOf, storageTemplate } from './storage-template.ts';
import { systemTemplate } from './system-template.ts';
import { userdata as userdataKind } from './userdata.ts';

const createTimeoutMs = 3_600_000;

/** What one commit of the store takes of guests with some disks. */
const maxCount = 16;

/** What all guests of a command are built with, if anything. */
type Building = Omit<BuildPlan, 'disks'> | undefined;

/** Of the last of several that wait for each other. */
const buildTimeoutMs = (build: Building, count: number): number =>
  build === undefined ? 0 : (build.script.timeoutS * 1000 + besidesMs) * Math.ceil(count / buildsAtOnce);

/** Each guest keeps what it was made from. @throws PvcError PROVISION_UNFIT */
function needRoomForSeeds(profile: string, count: number, { userdata }: Parts, build: Building): void {
  const bytes = Buffer.byteLength((userdata?.spec.document ?? '') + (build?.script.text ?? ''));
  if (count > 1 && count * bytes > mostSeedBytes)
    throw provisionError('PROVISION_UNFIT', {
      profile,
      reason: `its userdata and build script have ${formatBytes(bytes)}, and ${count} guests at once may have ${formatBytes(mostSeedBytes)} together; make ${Math.max(1, Math.floor(mostSeedBytes / bytes))} at once`,
    });
}

/** The plan fails when anything that the guest is made from changes in the same moment. */
function rely(plan: PlanBuilder, profile: Doc<Profile, null>, parts: Parts, images: Images): void {
  plan.unchanged(profileKind, profile);
  plan.unchanged(systemTemplate, parts.system);
  plan.unchanged(storageTemplate, parts.storage);
  if (parts.network !== undefined) plan.unchanged(networkTemplate, parts.network);
  if (parts.userdata !== undefined) plan.unchanged(userdataKind, parts.userdata);
  for (const image of images.values()) plan.unchanged(imageKind, image);
}

/** Plans all volumes, each with the storage that has its pool. @returns their ids by volume @throws PvcError PROVISION_UNFIT and what the storage refuses */
async function planVolumes(
  plan: PlanBuilder,
  context: PlanContext,
  stores: readonly VolumeStore[],
  wanted: readonly { readonly volume: string; readonly sizeBytes: number }[],
  { profile, force }: { readonly profile: string; readonly force: boolean },
): Promise<ReadonlyMap<string, string>> {
  const storeOf = async ({ volume }: (typeof wanted)[number]): Promise<VolumeStore> => {
    const store = await storeFor(stores, { volume });
    if (store === undefined)
      throw provisionError('PROVISION_UNFIT', { profile, reason: `there is no pool ${poolOf(volume)}` });
    return store;
  };
  const ids = await planInStores(wanted, storeOf, (store, some) => store.planNew(plan, context, some, force));
  return new Map([...ids].map(([{ volume }, id]) => [volume, id]));
}

export const createOperations = (hook: VolumeStoreHook) => [
  defineMutation({
    name: 'provisioner.create',
    summary: 'Make a guest, or several, of a profile, and start it',
    description:
      'Its disks are copy-on-write clones of images, or empty; cloud-init learns its name, SSH keys and userdata from a small disk (NoCloud), or from the metadata service where the profile says so. With --count N the guests are named NAME1 to NAMEN, each made by a task of its own. What fails or is cancelled leaves nothing of that guest.',
    http: { method: 'POST', path: '/provisioner/create' },
    cli: {
      command: 'provisioner create',
      arguments: [{ field: 'name' }, { field: 'profile', complete: 'profile' }],
      options: {
        node: { complete: 'node', short: 't' },
        argument: { flag: 'script-arg', value: 'NAME=VALUE' },
      },
      waits: true,
      examples: [
        'pvc provisioner create web1 web',
        'pvc provisioner create web web --count 3',
        'pvc provisioner create web1 debian --script-arg suite=trixie',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      name: names.objectName.describe('name of the guest, or what the names of several begin with'),
      profile: names.objectName.describe('what it is made from'),
      count: z.int().min(1).max(maxCount).optional().describe('so many guests, named NAME1, NAME2 …'),
      node: names.nodeName.optional().describe('node that it is for; chosen by the selector unless given'),
      start: z.boolean().default(true).describe('start it once it is made'),
      argument: pairs
        .default([])
        .describe('what the build script is told besides what the profile says; may be repeated'),
      force: z.boolean().default(false).describe('even if a pool could run full'),
    }),
    output: z.object({ profile: z.string(), guests: z.array(vmAnswer) }),
    async plan(plan, context, { name, profile: of, count, node, start, argument, force }) {
      const { view } = context;
      const doc = await view.need(profileKind, of);
      const parts = await partsOf(view, doc.spec);
      const images = await imagesOf(view, parts.storage.spec.disks);
      rely(plan, doc, parts, images);
      const drafts = namesOf(of, name, count).map((one) => draftOf(doc, one, parts, images));
      const build = await planBuild(plan, view, doc.spec, argumentsOf(argument), parts.storage.spec.disks);
      needRoomForSeeds(of, drafts.length, parts, build);
      const wanted = drafts.flatMap(({ makes, seed }) => [
        ...makes,
        ...(seed === undefined ? [] : [{ volume: seed, sizeBytes: seedBytes }]),
      ]);
      const places = await placesOf(context);
      const rest = withMeta({ ...metaDefaults } as unknown as VmSpec, given(parts.system.spec.meta));
      const guests = [];
      const ids = await planVolumes(plan, context, await volumeStores(hook), wanted, { profile: of, force });
      for (const { name: guest, flags, makes, seed } of drafts) {
        const { fields, ...defined } = fromFlags(flags);
        const disks = fields.disks.map((disk, at) => (at === makes.length ? { ...disk, readonly: true } : disk));
        const bare = { ...rest, run: 'stopped' as const, autostart: false, tags: [] };
        const made = await planGuest(
          plan,
          context,
          { ...defined, fields: { ...fields, disks: [] } },
          bare,
          node,
          places,
        );
        const run = start ? ('running' as const) : ('stopped' as const);
        places.ledger.place({ ...made, spec: { ...made.spec, run } }, made.spec.node);
        const input: z.input<typeof createInput> = {
          ...{ name: guest, profile: of, disks, run, autostart: rest.autostart },
          volumes: makes.map(({ volume, sizeBytes, from }, at) => ({
            ...{ id: ids.get(volume) ?? '', volume, sizeBytes, from },
            target: disks[at]?.target ?? '',
          })),
          seed: seed === undefined ? null : { id: ids.get(seed) ?? '', volume: seed },
        };
        const fresh = makes.map(({ filesystem, mountpoint }, at) => ({
          target: disks[at]?.target ?? '',
          ...given({ filesystem, mountpoint }),
        }));
        plan.create(guestSeed, made.id, {
          ...{ way: doc.spec.seed, userdata: parts.userdata?.spec.document ?? null, sshKeys: doc.spec.sshKeys },
          // What is made for a script is there when cloud-init comes.
          fresh: build === undefined ? fresh : fresh.map(({ target }) => ({ target })),
          ...(build === undefined ? {} : { build: { ...build, disks: fresh } }),
        });
        plan.task({
          action: 'provisioner.create',
          target: { kind: 'vm', id: made.id, label: guest },
          node: undefined,
          input,
          timeoutMs: createTimeoutMs + buildTimeoutMs(build, drafts.length),
        });
        for (const { volume, sizeBytes, from } of makes)
          plan.act(
            `make ${volume} (${formatBytes(sizeBytes)}), ${from === null ? 'empty' : `a clone of ${from.volume}`}`,
          );
        if (build !== undefined) plan.act(`run the build script ${build.script.name} with its disks`);
        if (start) plan.act(`start ${guest} on ${made.spec.node}`);
        guests.push(answerOf({ ...made, spec: { ...made.spec, run } }));
      }
      return { profile: of, guests };
    },
  }),
];
