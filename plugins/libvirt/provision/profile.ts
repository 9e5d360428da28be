/** A profile: all that a new guest is made from, by name. @module */
import { defineKind, defineMutation, defineQuery, names, z } from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { seedWay } from './guest-seed.ts';
import { description, refuseTwice, same } from './named.ts';
import { provisionError } from './provision-errors.ts';
import { argumentsOf, pairs, scriptArguments } from './script/arguments.ts';

/** A public key as `authorized_keys` has it (sshd(8)), without options in front. */
const sshKey = z
  .string()
  .max(16_384)
  .regex(
    /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: [^\u0000-\u001f\u007f]*)?$/,
    'a public key as in authorized_keys: its kind, the key, a comment',
  );

const profileSpec = z.strictObject({
  name: names.objectName,
  description,
  system: names.objectName,
  storage: names.objectName,
  network: names.objectName.nullable(),
  userdata: names.objectName.nullable(),
  /** For the first user of the guests. */
  sshKeys: z.array(sshKey).max(64),
  /** Absent in one made by a PVC that knew disks only. */
  seed: seedWay.default('disk'),
  /** Its build script. Absent, as the arguments, in one made by a PVC that knew none. */
  script: names.objectName.nullable().default(null),
  arguments: scriptArguments.default({}),
});
export type Profile = z.infer<typeof profileSpec>;

export const profile = defineKind<Profile, null>({
  name: 'profile',
  plural: 'profiles',
  version: 1,
  id: names.objectName,
  spec: profileSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  refers: ({ system, storage, network, userdata: document, script }) => [
    { kind: 'system-template', name: system },
    { kind: 'storage-template', name: storage },
    ...(network === null ? [] : [{ kind: 'network-template', name: network }]),
    ...(document === null ? [] : [{ kind: 'userdata', name: document }]),
    ...(script === null ? [] : [{ kind: 'build-script', name: script }]),
  ],
  command: 'provisioner profile',
});

const name = names.objectName.describe('name of the profile');
const profileArgument = { field: 'profile', complete: 'profile' } as const;
const references = {
  system: names.objectName.describe('its system template'),
  storage: names.objectName.describe('its storage template'),
  network: names.objectName.describe('its network template (no cards)'),
  userdata: names.objectName.describe('its userdata (none)'),
  script: names.objectName.describe('the build script that fills its disks (none)'),
};
const sshKeys = z.array(sshKey).max(64).describe('public key for the first user of the guests; may be repeated');
const seed = seedWay.describe('how cloud-init is told: by a small disk, or over the network by the metadata service');
const argument = pairs.describe('what its build script is told, as suite=bookworm; may be repeated');
const options = {
  system: { complete: 'system-template' },
  storage: { complete: 'storage-template' },
  network: { complete: 'network-template' },
  userdata: { complete: 'userdata' },
  script: { complete: 'build-script' },
  argument: { flag: 'script-arg', value: 'NAME=VALUE' },
  sshKey: { value: 'KEY' },
} as const;

const inWords = (spec: Profile): string =>
  `${spec.name}: ${[spec.system, spec.storage, spec.network, spec.userdata, spec.script].filter((one) => one !== null).join(', ')}`;

export const profileOperations = [
  defineMutation({
    name: 'profile.add',
    summary: 'Make a profile: what new guests are made from',
    http: { method: 'POST', path: '/provisioner/profiles/{profile}' },
    cli: {
      command: 'provisioner profile add',
      arguments: [{ field: 'profile' }],
      options,
      examples: ['pvc provisioner profile add web --system small --storage root --network office --userdata web'],
    },
    role: 'operator',
    input: z.strictObject({
      profile: name,
      description: description.default(''),
      system: references.system,
      storage: references.storage,
      network: references.network.optional(),
      userdata: references.userdata.optional(),
      script: references.script.optional(),
      argument: argument.default([]),
      sshKey: sshKeys.default([]),
      seed: seed.default('disk'),
    }),
    output: profileSpec,
    async plan(
      plan,
      { view },
      { profile: of, network, userdata: document, script, sshKey: keys, argument: told, ...rest },
    ) {
      refuseTwice('profile', of, await view.get(profile, of));
      const spec = {
        ...{ name: of, ...rest, network: network ?? null, userdata: document ?? null, sshKeys: keys },
        ...{ script: script ?? null, arguments: argumentsOf(told) },
      };
      plan.create(profile, of, spec);
      plan.act(inWords(spec));
      return spec;
    },
  }),
  defineMutation({
    name: 'profile.modify',
    summary: 'Change a profile; guests that were made from it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/profiles/{profile}' },
    cli: {
      command: 'provisioner profile modify',
      arguments: [profileArgument],
      options,
      examples: [
        'pvc provisioner profile modify web --system large',
        'pvc provisioner profile modify web --no-userdata',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      profile: name,
      description: description.optional(),
      system: references.system.optional(),
      storage: references.storage.optional(),
      network: references.network.nullable().optional(),
      userdata: references.userdata.nullable().optional(),
      script: references.script.nullable().optional(),
      argument: argument.optional().describe('what its build script is told, in the place of all; may be repeated'),
      sshKey: sshKeys.optional(),
      seed: seed.optional(),
    }),
    output: profileSpec,
    async plan(plan, { view }, { profile: of, sshKey: keys, argument: told, ...asked }) {
      const doc = await view.need(profile, of);
      const changed = given({ ...asked, sshKeys: keys, arguments: told && argumentsOf(told) });
      const spec = { ...doc.spec, ...changed };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'profile', name: of });
      plan.update(profile, doc, spec);
      plan.act(inWords(spec));
      return spec;
    },
  }),
  defineMutation({
    name: 'profile.remove',
    summary: 'Remove a profile; what it names and the guests made from it stay',
    http: { method: 'DELETE', path: '/provisioner/profiles/{profile}' },
    cli: { command: 'provisioner profile remove', aliases: ['rm'], arguments: [profileArgument] },
    role: 'operator',
    input: z.strictObject({ profile: name }),
    output: profileSpec,
    async plan(plan, { view }, { profile: of }) {
      const doc = await view.need(profile, of);
      plan.remove(profile, doc);
      plan.act(`remove the profile ${of}`);
      return doc.spec;
    },
  }),
  defineQuery({
    name: 'profile.list',
    summary: 'List profiles',
    http: { method: 'GET', path: '/provisioner/profiles' },
    cli: { command: 'provisioner profile list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(profileSpec),
    run: async ({ view }) => (await view.list(profile)).map(({ spec }) => spec),
  }),
  defineQuery({
    name: 'profile.info',
    summary: 'Show a profile',
    http: { method: 'GET', path: '/provisioner/profiles/{profile}' },
    cli: { command: 'provisioner profile info', arguments: [profileArgument] },
    role: 'viewer',
    input: z.strictObject({ profile: name }),
    output: profileSpec,
    run: async ({ view }, { profile: of }) => (await view.need(profile, of)).spec,
  }),
];
