import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { ProvisionRig } from './testing/provision-rig.ts';

const path = '/srv/debian12.qcow2';
const wish = { image: 'debian13', pool: 'vms' };
const sum = (text: string, algorithm = 'sha256'): string => createHash(algorithm).update(text).digest('hex');
const content = `from ${path}`;

const before = {
  docs: [],
  volumes: ['vms/debian12 false'],
  ...{ images: {}, snapshots: [], files: [] },
};
const whole = {
  docs: [`debian13 of vms/debian13 ${sum(content)}`],
  volumes: ['vms/debian12 false', 'vms/debian13 false'],
  images: { 'vms/debian13': content },
  snapshots: ['vms/debian13@pvc-image'],
  files: [],
};

async function fresh(): Promise<ProvisionRig> {
  const rig = await ProvisionRig.create();
  rig.fileBytes = content.length;
  return rig;
}

async function begun(more: object = {}): Promise<{ rig: ProvisionRig; id: string }> {
  const rig = await fresh();
  const { tasks } = await rig.mutate('image.import', { ...wish, path, ...more });
  return { rig, id: tasks[0] ?? assert.fail('no task') };
}

async function* pieces(text: string, end?: Error): AsyncGenerator<Uint8Array> {
  for (const part of text.match(/.{1,4}/g) ?? []) yield Buffer.from(part);
  if (end !== undefined) throw end;
}

async function refused(act: Promise<unknown>, says: RegExp): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof PvcError, String(error));
    assert.match([error.message, ...error.details].join(' '), says);
    return true;
  });
}

describe('an image of a disk file', () => {
  it('is there at once with its volume', async () => {
    const { rig, id } = await begun({ sha256: sum(content) });
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.deepEqual(await rig.imageState(), whole);
    assert.equal(await rig.live(id), 'done', 'and once more changes nothing');
    assert.deepEqual(await rig.imageState(), whole);
  });

  it('may be cut off in any moment, and is then made, or neither it nor its volume is left', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    const { moments } = first.rig;
    assert.ok(moments > 6, `${moments} moments`);
    for (let cut = 0; cut < moments; cut += 1) {
      const again = await begun();
      assert.equal(await again.rig.live(again.id, 'run', cut), 'killed');
      assert.equal(await again.rig.live(again.id), 'done', `moment ${cut}: ${again.rig.error}`);
      assert.deepEqual(await again.rig.imageState(), whole, `moment ${cut}`);
      const left = await begun();
      await left.rig.live(left.id, 'run', cut);
      assert.equal(await left.rig.live(left.id, 'give up'), 'done', left.rig.error);
      // In the last moment it was made, though nobody could be told.
      assert.deepEqual(await left.rig.imageState(), cut === moments - 1 ? whole : before, `moment ${cut}`);
    }
  });

  it('is taken back whole though that is cut off as well', async () => {
    const first = await begun();
    first.rig.broken.add('vms/debian13');
    assert.equal(await first.rig.live(first.id), 'failed');
    assert.deepEqual(await first.rig.imageState(), before);
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      rig.broken.add('vms/debian13');
      await rig.live(id, 'run', cut);
      await rig.live(id, 'give up');
      assert.deepEqual(await rig.imageState(), before, `moment ${cut}`);
    }
  });

  it('of another checksum than was told leaves nothing', async () => {
    const { rig, id } = await begun({ sha256: '0'.repeat(64) });
    assert.equal(await rig.live(id), 'failed');
    assert.match(rig.error, /its SHA-256 is .* should be 0000/);
    assert.deepEqual(await rig.imageState(), before);
  });

  it('cannot be given to templates, and its volume to nobody, before it is made', async () => {
    const { rig } = await begun();
    const adding = rig.ask('storage-template.add', { template: 'x', disk: [{ pool: 'vms', image: 'debian13' }] });
    await refused(adding, /being made/);
    await refused(rig.ask('image.add', { image: 'x', volume: 'vms/debian13' }), /no volume vms\/debian13/);
  });

  for (const [what, more, says] of [
    ['of a pool that is not there', { pool: 'none' }, /no pool none/],
    ['that is there', { image: 'debian12' }, /volume|image/],
  ] as const)
    it(`${what} is refused, and nothing is written`, async () => {
      const rig = await fresh();
      await assert.rejects(rig.mutate('image.import', { ...wish, path, ...more }));
      if ('pool' in more) await refused(rig.mutate('image.import', { ...wish, path, ...more }), says);
      assert.deepEqual(await rig.imageState(), before);
    });
});

describe('an image of a file that is sent', () => {
  const file = 'a disk in a file';
  const send = async (more: object = {}, end?: Error) => {
    const rig = await fresh();
    rig.fileBytes = 0;
    return { rig, sent: rig.upload('image.upload', { ...wish, ...more }, pieces(file, end), file.length) };
  };

  for (const algorithm of ['sha256', 'sha512'])
    it(`is made of it when its ${algorithm} is right, and the file goes`, async () => {
      const rig = await fresh();
      // The storage of the test writes down where it read from.
      rig.fileBytes = `from /var/lib/pvc/incoming/images/${'x'.repeat(36)}/disk`.length;
      const answer = await rig.upload(
        'image.upload',
        { ...wish, os: 'Debian 13', fileSum: sum(file, algorithm) },
        pieces(file),
        file.length,
      );
      const { name, volume, state, os, sizeBytes } = answer as Readonly<Record<string, unknown>>;
      assert.deepEqual(
        { name, volume, state, os, sizeBytes },
        { name: 'debian13', volume: 'vms/debian13', state: 'ready', os: 'Debian 13', sizeBytes: rig.fileBytes },
      );
      const { files, volumes } = (await rig.imageState()) as typeof whole;
      assert.deepEqual([files, volumes], [[], whole.volumes]);
    });

  it('is not made of another file than was meant', async () => {
    const { rig, sent } = await send({ fileSum: sum('another file') });
    await refused(sent, /its checksum is .*, and should be .*: it is damaged, or another file/);
    assert.deepEqual(await rig.imageState(), before);
  });

  it('leaves nothing when the sender goes away', async () => {
    const { rig, sent } = await send({}, new Error('the caller has left'));
    await refused(sent, /The connection broke after 16 bytes/);
    assert.deepEqual(await rig.imageState(), before);
  });

  it('leaves nothing when it cannot be made', async () => {
    const rig = await fresh();
    rig.broken.add('vms/debian13');
    await assert.rejects(rig.upload('image.upload', wish, pieces(file), file.length), /cannot be made/);
    assert.deepEqual(await rig.imageState(), before);
  });

  for (const [what, more, size, says] of [
    ['of nothing', {}, 0, /it is empty/],
    ['into no pool', { pool: 'none' }, 9, /no pool none/],
    ['in place of a volume', { image: 'debian12' }, 9, /there is a volume vms\/debian12 already/],
  ] as const)
    it(`${what} is refused before anything is sent`, async () => {
      const rig = await fresh();
      const body = pieces('', new Error('it was read'));
      await refused(rig.upload('image.upload', { ...wish, ...more }, body, size), says);
      assert.deepEqual(await rig.imageState(), before);
    });
});

describe('an image with its volume', () => {
  async function made(): Promise<ProvisionRig> {
    const { rig, id } = await begun();
    assert.equal(await rig.live(id), 'done', rig.error);
    await rig.endTasks();
    return rig;
  }
  const remove = (rig: ProvisionRig) => rig.mutate('image.remove', { image: 'debian13', withVolume: true });

  it('is removed with it in one commit; the storage takes the bytes away', async () => {
    const rig = await made();
    await remove(rig);
    const { images, snapshots } = whole;
    assert.deepEqual(await rig.imageState(), { ...before, images, snapshots });
  });

  it('stays as it is while disks are clones of it', async () => {
    const rig = await made();
    rig.cloned.add('vms/debian13');
    await assert.rejects(remove(rig), /has clones/);
    assert.deepEqual(await rig.imageState(), whole);
  });

  it('goes alone unless that is asked', async () => {
    const rig = await made();
    const [id = ''] = (await rig.mutate('image.remove', { image: 'debian13' })).tasks;
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.deepEqual(await rig.imageState(), { ...whole, docs: [], snapshots: [] });
  });
});
