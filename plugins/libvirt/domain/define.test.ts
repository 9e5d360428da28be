import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { disk, nic } from '../schema.ts';
import { fromXml } from './define.ts';
import { fixtureText } from './fixtures/load.ts';
import { child, descend, parseXml, textOf } from './xml.ts';

const os = "<os><type arch='x86_64' machine='q35'>hvm</type></os>";
const domain = (inner: string, type = 'kvm'): string => `<domain type='${type}'><name>g</name>${inner}</domain>`;
const guest = (inner: string): string => domain(`<memory unit='MiB'>64</memory><vcpu>1</vcpu>${os}${inner}`);
const device = (inner: string): string => guest(`<devices><serial type='pty'/>${inner}</devices>`);

function refusal(text: string): PvcError {
  try {
    fromXml(text);
  } catch (error) {
    assert.ok(error instanceof PvcError, String(error));
    return error;
  }
  return assert.fail(`accepted: ${text}`);
}

describe('fromXml: what the typed fields take', () => {
  it('a running domain, without what libvirt added', () => {
    const { uuid, fields, warnings } = fromXml(fixtureText('virt-manager-live'));
    assert.equal(uuid, '8d1c7f0e-32c5-4b11-8a39-77a8e3b6d402');
    const { definition, ...rest } = fields;
    assert.deepEqual(rest, {
      name: 'web01',
      description: 'Runs the shop & its cache.\nAsk Ada before a restart.',
      accelerator: 'auto',
      memoryMiB: 4096,
      vcpus: 4,
      topology: { sockets: 1, cores: 2, threads: 2 },
      nics: [
        {
          mac: '52:54:00:0a:1b:2c',
          source: { type: 'bridge', bridge: 'br-web' },
          model: 'virtio',
          extra:
            "<driver name='vhost' queues='4'/>\n<link state='up'/>\n<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>",
        },
      ],
      disks: [
        {
          target: 'vda',
          device: 'disk',
          bus: 'virtio',
          source: { type: 'file', path: '/srv/images/web01.qcow2' },
          format: 'qcow2',
          readonly: false,
          extra:
            "<driver cache='none' io='native'/>\n<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>",
        },
        {
          target: 'sda',
          device: 'cdrom',
          bus: 'sata',
          source: { type: 'empty' },
          format: 'raw',
          readonly: true,
          extra: "<address type='drive' controller='0' bus='0' target='0' unit='0'/>",
        },
      ],
    });
    for (const gone of [
      'vnet7',
      "alias name='net0'",
      'backingStore',
      'seclabel',
      '/dev/pts',
      'domain-14',
      'connected',
      '5903',
      "id='14'",
      '/machine',
      'on_poweroff',
      'on_reboot',
      '<console',
    ]) {
      assert.ok(!definition.includes(gone), gone);
    }
    for (const kept of [
      "<alias name='ua-tablet'/>",
      '<on_crash>restart</on_crash>',
      "<vmport state='off'/>",
      '<title>Web server of the shop</title>',
      "audio id='1'",
    ])
      assert.ok(definition.includes(kept), kept);
    assert.deepEqual(warnings, []);
  });

  it('gives what the schema of the guest accepts', () => {
    const { fields } = fromXml(fixtureText('rbd'));
    for (const one of fields.nics) assert.deepEqual(nic.parse(one), one);
    for (const one of fields.disks) assert.deepEqual(disk.parse(one), one);
  });

  it('interfaces it does not manage stay as they are, in order, with their comments', () => {
    const { fields } = fromXml(fixtureText('hostdev'));
    assert.deepEqual(
      fields.nics.map(({ mac }) => mac),
      ['52:54:00:22:00:0b'],
    );
    const devices = child(parseXml(fields.definition), 'devices');
    assert.deepEqual(
      devices?.children.map((node) => ('name' in node ? node.attributes['type'] : 'comment')),
      ['hostdev', 'bridge', 'direct', 'comment', 'pci', 'usb', 'pty'],
    );
  });

  it('disks: rbd and lun stay, volume, file and block are typed', () => {
    const { fields } = fromXml(fixtureText('rbd'));
    assert.deepEqual(
      fields.disks.map(({ target, source }) => [target, source]),
      [
        ['sdb', { type: 'volume', pool: 'vms', volume: 'db_1_data' }],
        ['sdc', { type: 'block', path: '/dev/disk/by-id/wwn-0x5002538f' }],
      ],
    );
    assert.match(
      fields.disks[0]?.extra ?? '',
      /^<driver discard='unmap' cache='writeback'\/>\n<source startupPolicy='optional'\/>\n<iotune>/,
    );
    assert.match(fields.definition, /rbd/);
    assert.match(fields.definition, /device='lun'/);
    assert.match(fields.definition, /<vcpu current='2' cpuset='0-3'\/>/);
    assert.match(fields.definition, /<currentMemory unit='MiB'>6144<\/currentMemory>/);
  });

  it('keeps namespaced elements and CDATA of the description as text', () => {
    assert.match(
      fromXml(fixtureText('qemu-commandline')).fields.definition,
      /xmlns:qemu=[\s\S]*<!-- fw_cfg[\s\S]*<qemu:env name='EXAMPLE'/,
    );
    assert.equal(
      fromXml(fixtureText('proxmox-like')).fields.description,
      '# Notes\n<b>migrated</b> from another cluster',
    );
  });

  it('a card without a MAC address is left for the caller', () => {
    const { fields } = fromXml(device("<interface type='bridge'><source bridge='br0'/></interface>"));
    assert.deepEqual(fields.nics, [
      { mac: undefined, source: { type: 'bridge', bridge: 'br0' }, model: 'rtl8139', extra: '' },
    ]);
  });

  it('names what it changed', () => {
    const { warnings } = fromXml(fixtureText('spice-desktop'));
    for (const word of [
      'rounded up to 1908 MiB',
      "on_poweroff: 'restart' is dropped",
      '/usr/libexec/qemu-kvm is dropped',
      '/tmp/my-console.log is dropped',
      '192.0.2.10 is dropped',
    ]) {
      assert.ok(
        warnings.some((warning) => warning.includes(word)),
        word,
      );
    }
  });

  it('adds a serial console where there is none', () => {
    const { fields, warnings } = fromXml(guest(''));
    assert.equal(textOf(descend(parseXml(fields.definition), 'devices', 'serial')), '');
    assert.match(fields.definition, /<serial type='pty'>/);
    assert.ok(warnings.some((warning) => warning.includes('no serial console')));
  });

  it('takes the UUID of the system table when there is no other', () => {
    const table = (uuid: string): string =>
      `<sysinfo type='smbios'><system><entry name='uuid'>${uuid}</entry></system></sysinfo>`;
    assert.equal(
      fromXml(guest(table('5A3E6A3C8A594A7F9D555B1F0F8E7A11'))).uuid,
      '5a3e6a3c-8a59-4a7f-9d55-5b1f0f8e7a11',
    );
    assert.match(
      refusal(guest(`<uuid>00000000-0000-4000-8000-000000000001</uuid>${table('5A3E6A3C8A594A7F9D555B1F0F8E7A11')}`))
        .message,
      /differs/,
    );
  });
});

describe('fromXml: memory', () => {
  const cases: readonly (readonly [string, string | undefined, number, boolean])[] = [
    ['1048576', undefined, 1024, true],
    ['67108864', 'b', 64, true],
    ['67108865', 'bytes', 65, false],
    ['1000', 'MB', 954, false],
    ['100000', 'KB', 96, false],
    ['65536', 'k', 64, true],
    ['65536', 'KiB', 64, true],
    ['64', 'M', 64, true],
    ['64', 'mib', 64, true],
    ['1', 'G', 1024, true],
    ['1', 'GB', 954, false],
    ['2', 'GiB', 2048, true],
    ['1', 'T', 1024 * 1024, true],
    ['1', 'TB', 953_675, false],
  ];
  for (const [amount, unit, miB, exact] of cases) {
    it(`${amount} ${unit ?? '(no unit)'} is ${miB} MiB`, () => {
      const { fields, warnings } = fromXml(
        domain(`<memory${unit === undefined ? '' : ` unit='${unit}'`}> ${amount} </memory><vcpu>1</vcpu>${os}`),
      );
      assert.equal(fields.memoryMiB, miB);
      assert.equal(!warnings.some((warning) => warning.includes('rounded')), exact);
      assert.doesNotMatch(fields.definition, /memory/i);
    });
  }
  it('a smaller currentMemory stays, an equal one goes', () => {
    assert.match(
      fromXml(guest("<currentMemory unit='KiB'>32768</currentMemory>")).fields.definition,
      /<currentMemory unit='MiB'>32</,
    );
    assert.doesNotMatch(
      fromXml(guest("<currentMemory unit='MiB'>64</currentMemory>")).fields.definition,
      /currentMemory/,
    );
  });
  it('follows the NUMA cells, as libvirt does', () => {
    const cells = "<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>";
    const { fields, warnings } = fromXml(guest(cells));
    assert.equal(fields.memoryMiB, 128);
    assert.ok(warnings.some((warning) => warning.includes('NUMA')));
    assert.equal(fromXml(domain(`<vcpu>1</vcpu>${os}${cells}`)).fields.memoryMiB, 128);
  });
});

describe('fromXml: what it refuses', () => {
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['no domain', '<network><name>x</name></network>', /root element must be <domain>/],
    ['no name', `<domain type='kvm'><memory>65536</memory>${os}</domain>`, /\/domain\/name: is missing/],
    [
      'a path in the name',
      guest('').replace('<name>g</name>', '<name>../etc/passwd</name>'),
      /\/domain\/name: "\.\.\/etc\/passwd" cannot be used/,
    ],
    ['two names', guest('<name>h</name>'), /\/domain\/name: stands there 2 times/],
    ['no memory', domain(`<vcpu>1</vcpu>${os}`), /\/domain\/memory: is missing/],
    ['no memory amount', domain(`<memory/><vcpu>1</vcpu>${os}`), /\/domain\/memory: "" is no whole number/],
    ['memory 0', domain(`<memory>0</memory>${os}`), /\/domain\/memory: is 0/],
    ['negative memory', domain(`<memory>-1</memory>${os}`), /"-1" is no whole number/],
    ['memory in KiB by mistake', domain(`<memory>1024</memory>${os}`), /1 MiB is less than the 16 MiB/],
    ['absurd memory', domain(`<memory unit='TiB'>17</memory>${os}`), /more than 16 TiB/],
    ['memory beyond numbers', domain(`<memory unit='EiB'>99999999999999999999</memory>${os}`), /more than any machine/],
    ['an unknown unit', domain(`<memory unit='Mbit'>64</memory>${os}`), /\/domain\/memory\/@unit: "Mbit" is no unit/],
    ['vcpu 0', guest('').replace('<vcpu>1</vcpu>', '<vcpu>0</vcpu>'), /\/domain\/vcpu: is 0/],
    ['too many vcpus', guest('').replace('<vcpu>1</vcpu>', '<vcpu>4096</vcpu>'), /4096 is more than 512/],
    [
      'more vcpus online than there are',
      guest('').replace('<vcpu>1</vcpu>', "<vcpu current='2'>1</vcpu>"),
      /vcpu\/@current: 2 is more/,
    ],
    [
      'a topology of another size',
      guest("<cpu><topology sockets='2' cores='2' threads='1'/></cpu>"),
      /2 sockets × 2 cores × 1 thread make 4 vCPUs, but <vcpu> says 1/,
    ],
    ['half a topology', guest("<cpu><topology sockets='1'/></cpu>"), /topology\/@cores: must be/],
    [
      'a cell beyond the vcpus',
      guest("<cpu><numa><cell id='0' cpus='0-3' memory='64' unit='MiB'/></numa></cpu>"),
      /names vCPU 3, but <vcpu> says 1/,
    ],
    ['no os', domain('<memory>65536</memory>'), /\/domain\/os\/type: is missing/],
    ['a container', guest('').replace('>hvm<', '>exe<'), /'exe' is not run by QEMU/],
    ['another hypervisor', guest('').replace("type='kvm'", "type='lxc'"), /\/domain\/@type: 'lxc' is not run by PVC/],
    ['no type', guest('').replace(" type='kvm'", ''), /\/domain\/@type: is missing/],
    ['a bad uuid', guest('<uuid>zzz</uuid>'), /\/domain\/uuid: "zzz" is no UUID/],
    ['the nil uuid', guest('<uuid>00000000-0000-0000-0000-000000000000</uuid>'), /is no UUID/],
    [
      'a bad MAC',
      device("<interface type='bridge'><mac address='52:54:00:zz:00:01'/><source bridge='br0'/></interface>"),
      /interface\[1\]: mac\/@address "52:54:00:zz:00:01"/,
    ],
    ['a multicast MAC', device("<interface type='user'><mac address='01:00:5e:00:00:01'/></interface>"), /unicast/],
    [
      'a MAC twice',
      device(
        "<interface type='user'><mac address='52:54:00:00:00:01'/></interface><interface type='hostdev'><mac address='52:54:00:00:00:01'/></interface>",
      ),
      /MAC address 52:54:00:00:00:01 is used twice/,
    ],
    ['no bridge', device("<interface type='bridge'/>"), /has no <source bridge='…'>/],
    [
      'a bridge name too long',
      device("<interface type='bridge'><source bridge='abcdefghijklmnop'/></interface>"),
      /1 to 15/,
    ],
    [
      'a target twice',
      device("<disk><source file='/a'/><target dev='vda'/></disk><disk type='network'><target dev='vda'/></disk>"),
      /target vda is used twice/,
    ],
    ['no target', device("<disk type='file'><source file='/a'/></disk>"), /disk\[1\]: needs <target/],
    [
      'a disk without a source',
      device("<disk type='file'><target dev='vda'/></disk>"),
      /has no <source file='…'>; only a CD-ROM/,
    ],
    [
      'a relative path',
      device("<disk type='file'><source file='images/a'/><target dev='vda'/></disk>"),
      /source\/@file "images\/a"/,
    ],
    [
      'a path upwards',
      device("<disk type='file'><source file='/srv/../etc/shadow'/><target dev='vda'/></disk>"),
      /without ".."/,
    ],
    [
      'file in a block disk',
      device("<disk type='block'><source file='/a'/><target dev='vda'/></disk>"),
      /goes with <source dev='…'>/,
    ],
    ['a floppy on ide', device("<disk device='floppy'><target dev='hda' bus='ide'/></disk>"), /floppy drive is/],
    [
      'a bus of nobody',
      device("<disk type='file'><source file='/a'/><target dev='vda' bus='warp'/></disk>"),
      /bus 'warp' is none; use virtio, /,
    ],
    ['a virtio cdrom', device("<disk device='cdrom'><target dev='vda' bus='virtio'/></disk>"), /carries no CD-ROM/],
  ];
  for (const [what, text, reason] of bad) {
    it(what, () => {
      const error = refusal(text);
      assert.equal(error.code, 'VM_XML_INVALID');
      assert.ok(
        error.details.some((detail) => reason.test(detail)),
        error.details.join('\n'),
      );
    });
  }

  it('shows every problem at once, each with its place', () => {
    const error = refusal(
      "<domain type='xen'><vcpu>0</vcpu><devices><interface type='bridge'/><disk type='file'><target dev='vda'/></disk></devices></domain>",
    );
    assert.deepEqual(
      error.details.map((detail) => detail.split(': ')[0]),
      [
        '/domain/name',
        '/domain/@type',
        '/domain/memory',
        '/domain/vcpu',
        '/domain/os/type',
        '/domain/devices/interface[1]',
        '/domain/devices/disk[1]',
      ],
    );
    assert.match(error.message, /7 problems/);
  });

  it('says where malformed text breaks', () =>
    assert.equal(refusal('<domain>\n<name>x</nome></domain>').code, 'VM_XML_MALFORMED'));
});
