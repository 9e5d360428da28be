import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { argumentsOf } from './arguments.ts';
import { fstabOf, type MadeDisk, makeFileSystem, mountOrder } from './build-disk.ts';
import { confinedArgv } from './confinement.ts';
import { buildEnvironment, buildInput } from './contract.ts';
import { heardIn, Lines, lastWords } from './script-output.ts';

const uuid = (digit: number): string => `00000000-0000-4000-8000-00000000000${digit}`;
const disk = (target: string, filesystem?: MadeDisk['filesystem'], mountpoint?: string): MadeDisk => ({
  ...{ target, filesystem, mountpoint, volume: `vms/web-${target}`, sizeBytes: 2 ** 30 },
  uuid: filesystem === undefined ? undefined : uuid(target.charCodeAt(2) - 96),
});
const [data, root, swap, raw] = [
  disk('vda', 'xfs', '/srv/data'),
  disk('vdb', 'ext4', '/'),
  disk('vdc', 'swap'),
  disk('vdd'),
];
const guest = {
  ...{ name: 'Web_1', uuid: uuid(9), hostname: 'web-1', profile: 'web', vcpus: 2, memoryMiB: 512 },
  ...{ macs: ['52:54:00:00:00:01'], sshKeys: ['ssh-ed25519 AAAA a', 'ssh-ed25519 BBBB b'] },
};

describe('the confinement of a build script', () => {
  const shown = (target: string, device?: string) => ({ target, device, file: `/run/pvc/builds/1/${target}` });
  const base = {
    ...{ script: '/run/pvc/builds/1/script', tree: '/run/pvc/builds/1/tree', hostname: 'web-1' },
    ...{ hasRoot: true, network: false, disks: [shown('vda', '/dev/loop3'), shown('vdb')] },
  };
  const words = (change: Partial<typeof base> = {}): string => confinedArgv({ ...base, ...change }).join(' ');

  for (const [what, change, has, hasNot] of [
    ['no network unless it is asked for', {}, / --unshare-net /, / --share-net/],
    ['the network of the node where it is', { network: true }, / --unshare-pid /, / --unshare-net/],
    ['processes, names and mounts of its own', {}, / --unshare-pid --unshare-ipc --unshare-uts /, /--bind \/ /],
    ['the programs of the node, to be read', {}, / --ro-bind \/usr \/usr /, / --bind \/usr/],
    ['settings without secrets', {}, / --ro-bind-try \/etc\/passwd /, /shadow|\/etc \/|pvc\.yaml|\/etc\/ceph/],
    [
      'no capability but those that are named',
      {},
      / --cap-drop ALL --cap-add CAP_CHOWN /,
      /SYS_ADMIN|NET_|SYS_MODULE|PTRACE|RAWIO/,
    ],
    ['the disks that are mounted as devices', {}, / --dev-bind \/dev\/loop3 \/dev\/loop3 /, /disks\/vda/],
    ['and those that are not as files', {}, / --bind \/run\/pvc\/builds\/1\/vdb \/disks\/vdb /, /dev\/vdb/],
    [
      'a tree to change the root to',
      {},
      / --proc \/target\/proc --dev \/target\/dev --dev-bind \/dev\/loop3 \/target\/dev\/loop3 /,
      /x x/,
    ],
    ['none where no disk is at /', { hasRoot: false }, / --bind \S+\/tree \/target /, /\/target\//],
    [
      'what is around it, not to be changed',
      {},
      / --remount-ro \/ --remount-ro \/proc --remount-ro \/target\/proc /,
      /x x/,
    ],
    ['an end that comes with its starter’s', {}, / --die-with-parent --new-session /, /--as-pid-1/],
    ['the script last, and nothing of it in an argument', {}, / --chdir \/tmp -- \/script$/, /PVC_|setenv/],
  ] as const)
    it(`is ${what}`, () => {
      assert.match(words(change), has);
      assert.doesNotMatch(words(change), hasNot);
    });
});

describe('the disks of a build script', () => {
  it('are mounted from the root on', () => {
    assert.deepEqual(
      mountOrder([disk('vda', 'ext4', '/srv/data'), swap, root, disk('vdc', 'ext4', '/srv')]).map(
        ({ target }) => target,
      ),
      ['vdb', 'vdc', 'vda'],
    );
  });

  it('are in the guest’s fstab', () => {
    assert.equal(
      fstabOf([data, root, swap, raw]),
      [
        `UUID=${uuid(2)} / ext4 defaults 0 1`,
        `UUID=${uuid(1)} /srv/data xfs defaults 0 0`,
        `UUID=${uuid(3)} none swap sw 0 0\n`,
      ].join('\n'),
    );
    assert.equal(fstabOf([raw]), '');
  });

  for (const [filesystem, argv] of [
    ['ext4', `mkfs.ext4 -q -F -E nodiscard,assume_storage_prezeroed=1 -U ${uuid(1)} /x`],
    ['xfs', `mkfs.xfs -q -f -K -m uuid=${uuid(1)} /x`],
    ['btrfs', `mkfs.btrfs -q -f -K -U ${uuid(1)} /x`],
    ['swap', `mkswap -U ${uuid(1)} /x`],
  ] as const)
    it(`get ${filesystem} by one command`, () => {
      assert.equal(makeFileSystem(filesystem, uuid(1), '/x').join(' '), argv);
    });
});

describe('what a build script is told', () => {
  const facts = {
    guest,
    disks: [
      { ...data, device: '/dev/loop1' },
      { ...root, device: '/dev/loop0' },
      { ...raw, device: undefined },
    ],
    arguments: argumentsOf(['suite=bookworm', 'options=a=b', 'suite=trixie']),
  };

  it('is JSON', () => {
    const told = JSON.parse(buildInput(facts));
    assert.deepEqual([told.version, told.guest, told.target, told.fstab], [1, guest, '/target', fstabOf(facts.disks)]);
    assert.deepEqual(told.arguments, { suite: 'trixie', options: 'a=b' });
    const same = { sizeBytes: 2 ** 30 };
    assert.deepEqual(told.disks, [
      {
        ...{ target: 'vda', volume: 'vms/web-vda', ...same, device: '/dev/loop1', filesystem: 'xfs', uuid: uuid(1) },
        ...{ mountpoint: '/srv/data', path: '/target/srv/data' },
      },
      {
        ...{ target: 'vdb', volume: 'vms/web-vdb', ...same, device: '/dev/loop0', filesystem: 'ext4', uuid: uuid(2) },
        ...{ mountpoint: '/', path: '/target' },
      },
      {
        ...{ target: 'vdd', volume: 'vms/web-vdd', ...same, device: '/disks/vdd', filesystem: null, uuid: null },
        ...{ mountpoint: null, path: null },
      },
    ]);
  });

  it('is its environment', () => {
    assert.deepEqual(buildEnvironment(facts), {
      ...{ HOME: '/tmp', TMPDIR: '/tmp', PVC_GUEST: 'Web_1', PVC_HOSTNAME: 'web-1', PVC_TARGET: '/target' },
      ...{ PVC_FSTAB: fstabOf(facts.disks), PVC_SSH_KEYS: 'ssh-ed25519 AAAA a\nssh-ed25519 BBBB b\n' },
      ...{ PVC_DISK_VDA: '/dev/loop1', PVC_DISK_VDB: '/dev/loop0', PVC_DISK_VDD: '/disks/vdd' },
      ...{ PVC_ARG_SUITE: 'trixie', PVC_ARG_OPTIONS: 'a=b' },
    });
  });
});

describe('what a build script says', () => {
  for (const [line, heard] of [
    ['40% installs packages', { share: 0.4, message: 'installs packages' }],
    ['100%', { share: 1, message: '' }],
    ['101% of it', { share: undefined, message: '101% of it' }],
    ['I: Retrieving x', { share: undefined, message: 'I: Retrieving x' }],
    ['  \u001b[31mred\u001b[0m\u0007 ', { share: undefined, message: 'red' }],
    ['\t', undefined],
    ['x'.repeat(500), { share: undefined, message: 'x'.repeat(200) }],
  ] as const)
    it(`is heard in ${JSON.stringify(line.slice(0, 30))}`, () => {
      assert.deepEqual(heardIn(line), heard);
    });

  it('is taken line by line, however it comes', () => {
    const lines: string[] = [];
    const whole = new Lines((line) => void lines.push(line));
    for (const byte of Buffer.from('eins\nzwei ü\r3')) whole.add(Uint8Array.of(byte));
    assert.deepEqual(lines, ['eins', 'zwei ü']);
    whole.add(Buffer.from('x'.repeat(1000)));
    whole.add(Buffer.from('end\n'));
    assert.equal(lines.at(-1)?.length, 203);
  });

  it('is told by its last words when it fails', () => {
    assert.equal(lastWords('a\nb\n\nc\r\n\u001b[1md\u001b[0m\n'), 'b / c / d');
    assert.equal(lastWords('\n'), '');
  });
});
