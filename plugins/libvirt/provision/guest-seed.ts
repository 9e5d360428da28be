/** What a guest was made from, as far as cloud-init in it is told: kept with the guest, under its UUID, and gone with it. @module */
import { defineKind, names, z } from '../../../core/plugin/api.ts';
import { buildPlan } from './script/build-plan.ts';
import { freshDisk, type SeedFacts } from './seed.ts';

/** How cloud-init in a guest comes to know: from a disk of its own, or over the network from the metadata service. */
export const seedWay = z.enum(['disk', 'network']);

const guestSeedSpec = z.strictObject({
  way: seedWay,
  /** The document of the profile, as it was; null: it had none. */
  userdata: z.string().nullable(),
  sshKeys: z.array(z.string()),
  fresh: z.array(freshDisk),
  /** What fills its disks; gone once they are whole. */
  build: buildPlan.optional(),
});
export type GuestSeed = z.output<typeof guestSeedSpec>;

export const guestSeed = defineKind<GuestSeed, null>({
  name: 'guest-seed',
  plural: 'guest-seeds',
  version: 1,
  id: names.uuid,
  spec: guestSeedSpec,
  status: z.null(),
  // It comes and goes with the guest, whose commands tell of that.
  bookkeeping: true,
});

/** So many bytes of userdata and build scripts go into one commit, beside the guests: a request of ZooKeeper may have 1 MiB. */
export const mostSeedBytes = 512 * 1024;

/** What is told of a guest. @param seed undefined: it was made of no profile */
export const factsOf = (
  {
    id,
    spec,
  }: {
    readonly id: string;
    readonly spec: { readonly name: string; readonly nics: readonly { readonly mac: string }[] };
  },
  seed: GuestSeed | undefined,
): SeedFacts => ({
  uuid: id,
  name: spec.name,
  macs: spec.nics.map(({ mac }) => mac),
  sshKeys: seed?.sshKeys ?? [],
  fresh: seed?.fresh ?? [],
  userdata: seed?.userdata ?? undefined,
});
