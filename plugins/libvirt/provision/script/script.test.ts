import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../../core/plugin/api.ts';
import { guestSeed } from '../guest-seed.ts';
import { provisionKinds } from '../provision-plugin.ts';
import { GiB, ProvisionRig } from '../testing/provision-rig.ts';
import { buildPlan } from './build-plan.ts';

const text = '#!/bin/sh\necho hush-hush >/target/x\n';
const bare = { guests: [], seeds: 0, volumes: ['vms/debian12 false'], images: {}, scratch: [] };

const refusal = async (act: Promise<unknown>, code: string, says: RegExp): Promise<void> =>
  assert.rejects(act, (error) => {
    assert.ok(error instanceof PvcError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match([error.message, ...error.details].join(' '), says);
    return true;
  });

/** With the script `debian`, and the profile `web` that has it and tells it all that it needs. */
async function scripted(): Promise<ProvisionRig> {
  const rig = await ProvisionRig.furnished();
  await rig.ask('build-script.add', { script: 'debian', text, needs: ['suite'], timeout: 60 });
  await rig.ask('storage-template.modify', {
    template: 'root',
    disk: [
      { pool: 'vms', size: GiB, filesystem: 'ext4', mountpoint: '/' },
      { pool: 'vms', image: 'debian12' },
    ],
  });
  await rig.ask('profile.modify', { profile: 'web', script: 'debian', argument: ['suite=bookworm', 'mirror=a=b'] });
  return rig;
}

async function begun(): Promise<{ rig: ProvisionRig; id: string }> {
  const rig = await scripted();
  const { tasks } = await rig.mutate('provisioner.create', { name: 'web', profile: 'web', argument: ['extra=1'] });
  return { rig, id: tasks[0] ?? assert.fail('no task') };
}

const specs = async (rig: ProvisionRig) =>
  Promise.all(provisionKinds.map(async (kind) => (await rig.documents.list(kind)).map(({ spec }) => spec)));
const imagesOf = async (rig: ProvisionRig) => ((await rig.state()) as typeof bare).images as Record<string, string>;
const whole = (id: string) => ({
  ...{ 'vms/web-disk1': 'nothing, by debian', 'vms/web-disk2': 'as vms/debian12' },
  'vms/web-seed': `disk of ${id}`,
});

describe('a build script', () => {
  it('is kept, shown with its text, changed and removed', async () => {
    const rig = await scripted();
    const row = {
      ...{ name: 'debian', description: '', network: false, timeoutS: 60, needs: ['suite'] },
      bytes: Buffer.byteLength(text),
    };
    assert.deepEqual(await rig.ask('build-script.info', { script: 'debian' }), {
      ...row,
      text,
      usedBy: ['profile web'],
    });
    await rig.ask('build-script.modify', { script: 'debian', network: true, text: '#!/usr/bin/python3\n' });
    assert.deepEqual(await rig.ask('build-script.list', {}), [{ ...row, network: true, bytes: 19 }]);
    await rig.ask('profile.modify', { profile: 'web', script: null });
    await rig.ask('build-script.remove', { script: 'debian' });
    assert.deepEqual(await rig.ask('build-script.list', {}), []);
  });

  it('stays out of records and lists', async () => {
    const rig = await scripted();
    const entries = JSON.stringify(await rig.documents.store.list('/audit'));
    assert.match(entries, /build-script\.add/);
    assert.doesNotMatch(entries, /hush-hush/);
    assert.doesNotMatch(JSON.stringify(await rig.ask('build-script.list', {})), /hush-hush/);
  });

  for (const [what, operation, input, code, says] of [
    ['no script', 'build-script.add', { script: 'x', text: 'echo' }, 'SCRIPT_UNFIT', /line 1 must name.*"echo"/],
    [
      'one of a program somewhere',
      'build-script.add',
      { script: 'x', text: '#!sh\n' },
      'SCRIPT_UNFIT',
      /by an absolute path/,
    ],
    ['one of DOS', 'build-script.modify', { script: 'debian', text: '#!/bin/sh\r\n' }, 'SCRIPT_UNFIT', /CR LF/],
    ['no text', 'build-script.add', { script: 'x', text: '#!/bin/sh\n\u0000' }, 'SCRIPT_UNFIT', /no text/],
    ['a long first line', 'build-script.add', { script: 'x', text: `#!/${'x'.repeat(300)}` }, 'SCRIPT_UNFIT', /255/],
    [
      'one that is too large',
      'build-script.add',
      { script: 'x', text: `#!/bin/sh\n${'x'.repeat(131_072)}` },
      'INPUT_INVALID',
      /text/,
    ],
    ['one without end', 'build-script.add', { script: 'x', text, timeout: 99_999 }, 'INPUT_INVALID', /timeout/],
    ['one that needs a word', 'build-script.add', { script: 'x', text, needs: ['A-B'] }, 'INPUT_INVALID', /needs/],
    ['one twice', 'build-script.add', { script: 'debian', text }, 'OBJECT_EXISTS', /build-script with name debian/],
    ['no change', 'build-script.modify', { script: 'debian', text }, 'PROVISION_UNCHANGED', /build-script debian/],
    [
      'one that is in use',
      'build-script.remove',
      { script: 'debian' },
      'OBJECT_IN_USE',
      /build-script debian is in use: profile web/,
    ],
    [
      'a profile of none',
      'profile.modify',
      { profile: 'web', script: 'none' },
      'OBJECT_NOT_FOUND',
      /no build-script none/,
    ],
    [
      'an argument that is none',
      'profile.modify',
      { profile: 'web', argument: ['suite'] },
      'INPUT_INVALID',
      /NAME=VALUE/,
    ],
    [
      'an argument of two lines',
      'profile.modify',
      { profile: 'web', argument: ['suite=a\nb'] },
      'INPUT_INVALID',
      /NAME=VALUE/,
    ],
  ] as const)
    it(`is refused as ${what}`, async () => {
      const rig = await scripted();
      const before = await specs(rig);
      await refusal(rig.ask(operation, input), code, says);
      assert.deepEqual(await specs(rig), before);
    });

  for (const [what, prepare, says] of [
    ['is not told what it needs', { argument: [] }, /build script debian needs suite \(--script-arg suite=VALUE\)/],
    ['is told nothing', { argument: ['suite='] }, /needs suite/],
    ['is not there, and a disk is for it', { script: null, argument: [] }, /empty disk at \/, and no build script/],
  ] as const)
    it(`makes no guest when it ${what}`, async () => {
      const rig = await scripted();
      await rig.ask('profile.modify', { profile: 'web', ...prepare });
      const before = await rig.state();
      await refusal(rig.mutate('provisioner.create', { name: 'web', profile: 'web' }), 'PROVISION_UNFIT', says);
      assert.deepEqual(await rig.state(), before);
    });

  it('is not there to be told anything', async () => {
    const rig = await ProvisionRig.furnished();
    const making = rig.mutate('provisioner.create', { name: 'web', profile: 'web', argument: ['suite=x'] });
    await refusal(making, 'PROVISION_UNFIT', /argument suite is for a build script, and it has none/);
  });

  it('is told of the guest, and of what profile and command say, the command last', async () => {
    const rig = await scripted();
    const argument = ['suite=trixie'];
    const { tasks, actions } = await rig.mutate('provisioner.create', { name: 'Web_1', profile: 'web', argument });
    assert.ok(actions.includes('run the build script debian with its disks'), actions.join('; '));
    assert.equal(await rig.live(tasks[0] ?? ''), 'done', rig.error);
    const [build = assert.fail('it was not run')] = rig.builds;
    assert.deepEqual(build.arguments, { suite: 'trixie', mirror: 'a=b' });
    assert.deepEqual(build.script, { name: 'debian', text, network: false, timeoutS: 60 });
    const { macs, uuid: _, ...guest } = build.guest;
    assert.deepEqual(guest, {
      ...{ name: 'Web_1', hostname: 'web-1', profile: 'web', vcpus: 1, memoryMiB: 512, sshKeys: [] },
    });
    assert.equal(macs.length, 1);
    const [first, second] = build.disks;
    assert.match(first?.uuid ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual([first?.target, first?.mountpoint, first?.volume], ['vda', '/', 'vms/Web_1-disk1']);
    assert.deepEqual([second?.target, second?.uuid, second?.filesystem], ['vdb', undefined, undefined]);
    assert.ok(rig.told.includes('50 debian: half of it'), rig.told.join('; '));
  });

  it('was as it was when the guest was planned, and is forgotten once its disks are whole', async () => {
    const { rig, id } = await begun();
    await rig.ask('build-script.modify', { script: 'debian', text: '#!/bin/false\n' });
    const [planned = assert.fail('no seed')] = await rig.documents.list(guestSeed);
    assert.equal(buildPlan.parse(planned.spec.build).script.text, text);
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.equal(rig.builds[0]?.script.text, text);
    const [seed = assert.fail('no seed')] = await rig.documents.list(guestSeed);
    assert.equal(seed.spec.build, undefined);
    assert.deepEqual(seed.spec.fresh, [{ target: 'vda' }, { target: 'vdb' }], 'cloud-init formats nothing');
    assert.deepEqual(await imagesOf(rig), whole(id));
  });

  it('may be cut off in any moment, and fills disks that are new', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      assert.equal(await rig.live(id, 'run', cut), 'killed');
      assert.equal(await rig.live(id), 'done', `moment ${cut}: ${rig.error}`);
      assert.deepEqual(await imagesOf(rig), whole(id), `moment ${cut}`);
    }
  });

  it('leaves nothing, or a whole guest, when it is cancelled in any moment', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      await rig.live(id, 'run', cut);
      if ((await rig.live(id, 'give up', 2)) === 'killed') assert.equal(await rig.live(id, 'give up'), 'done');
      const state = (await rig.state()) as typeof bare;
      if (state.guests.length === 0) assert.deepEqual(state, bare, `moment ${cut}`);
      else assert.deepEqual(state.images, whole(id), `moment ${cut}`);
    }
  });

  it('leaves nothing when it fails, and says why', async () => {
    const { rig, id } = await begun();
    rig.scriptFailure = 'no mirror';
    assert.equal(await rig.live(id), 'failed');
    assert.match(rig.error, /no mirror/);
    assert.deepEqual(await rig.state(), bare);
  });
});
