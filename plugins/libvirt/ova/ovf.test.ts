import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { readOvf } from './ovf.ts';
import { descriptor, diskItem, standardItems, virtualBox } from './testing/descriptors.ts';

const GiB = 2 ** 30;

describe('an OVF descriptor', () => {
  it('says what the guest is, its disks in the order of their places', () => {
    assert.deepEqual(readOvf(descriptor(), 'web.ova'), {
      name: 'web',
      os: 'Debian GNU/Linux 12 (64-bit)',
      knowsVirtio: true,
      vcpus: 2,
      memoryMiB: 2048,
      firmware: 'uefi',
      disks: [
        { file: 'disk1.vmdk', sizeBytes: 8 * GiB },
        { file: 'disk2.vmdk', sizeBytes: 8 * GiB },
      ],
      cards: ['VM Network', 'Backup'],
      left: ['CD/DVD drive 1'],
    });
  });

  it('is read whatever its prefixes are', () => {
    assert.deepEqual(readOvf(virtualBox, 'win.ova'), {
      name: 'win',
      os: 'Windows10_64',
      knowsVirtio: false,
      vcpus: 4,
      memoryMiB: 4096,
      firmware: 'bios',
      disks: [
        { file: 'win-disk001.vmdk', sizeBytes: 20 * GiB },
        { file: 'win disk (2).vmdk', sizeBytes: GiB },
      ],
      cards: ['NAT'],
      left: ['sound'],
    });
  });

  const file = (attributes: string) => `<File ovf:id="file1" ${attributes}/><File ovf:id="file2" ovf:href="b.vmdk"/>`;
  const disk = (attributes: string) => `<Disk ovf:diskId="vmdisk1" ${attributes}/>`;
  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['no XML', 'MZ', /its descriptor is no XML/],
    ['another document', '<domain/>', /is no OVF/],
    ['two guests', descriptor({ system: '</VirtualSystem><VirtualSystem ovf:id="db">' }), /exactly one guest/],
    ['no memory', descriptor({ items: diskItem(1, 3, 0) }), /how much memory/],
    ['no disk', descriptor({ items: standardItems.replaceAll('>17<', '>35<') }), /has no disk/],
    ['a disk that is not told', descriptor({ items: standardItems + diskItem(7, 3, 2) }), /ovf:\/disk\/vmdisk7/],
    ['a file that is not told', descriptor({ files: '' }), /a file file1, which is not told/],
    ['a path', descriptor({ files: file('ovf:href="../shadow"') }), /"\.\.\/shadow" is not one beside/],
    ['an absolute path', descriptor({ files: file('ovf:href="/etc/shadow"') }), /is not one beside/],
    ['an address', descriptor({ files: file('ovf:href="http://a/b.vmdk"') }), /is not one beside/],
    ['a compressed file', descriptor({ files: file('ovf:href="a" ovf:compression="gzip"') }), /compressed \(gzip\)/],
    ['pieces', descriptor({ files: file('ovf:href="a" ovf:chunkSize="7"') }), /several files/],
    ['a disk of nothing', descriptor({ disks: disk('ovf:capacity="8"') }), /has no file/],
    ['a difference', descriptor({ disks: disk('ovf:fileRef="file1" ovf:parentRef="x"') }), /difference/],
    ['no amount', descriptor({ disks: disk('ovf:fileRef="file1" ovf:capacity="many"') }), /"many" of "" is no amount/],
    ['one disk twice', descriptor({ items: standardItems + diskItem(1, 3, 4) }), /two of its disks are in one file/],
    ['no processors', descriptor({ items: standardItems.replace('Quantity>2<', 'Quantity>0<') }), /0 is no number/],
  ];
  for (const [what, text, says] of refusals)
    it(`with ${what} is refused`, () => {
      assert.throws(
        () => readOvf(text, 'web.ova'),
        (error) => {
          assert.ok(error instanceof PvcError, String(error));
          assert.equal(error.code, 'OVA_UNFIT');
          assert.match(error.message, says);
          return true;
        },
      );
    });

  it('counts the hardware of its default configuration only', () => {
    const more = standardItems.replace(
      '<Item><rasd:ResourceType>3<',
      '<Item ovf:configuration="large"><rasd:ResourceType>3<',
    );
    const options =
      '<DeploymentOptionSection><Configuration ovf:id="small" ovf:default="true"/><Configuration ovf:id="large"/></DeploymentOptionSection>';
    const text = descriptor({ items: more }).replace('<DiskSection>', `${options}<DiskSection>`);
    assert.equal(readOvf(text, 'web.ova').vcpus, 1);
  });
});
