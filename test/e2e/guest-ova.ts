/**
 * A guest that comes as an OVA with two disks, made by the tools that others make theirs with. Part of the suite about a guest on
 * storage, whose lab it uses.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { guestDirectory } from '../lab/boot-script.ts';
import type { TestLab } from './test-lab.ts';

const place = '/var/ova';
const item = (type: number, fields: Readonly<Record<string, string | number>>): string =>
  `<Item>${Object.entries({ ...fields, ResourceType: type })
    .map(([name, value]) => `<rasd:${name}>${value}</rasd:${name}>`)
    .join('')}</Item>`;
const disk = (id: string, place: number): string =>
  item(17, { AddressOnParent: place, HostResource: `ovf:/disk/${id}`, InstanceID: 10 + place, Parent: 3 });

const descriptor = `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
  <References><File ovf:id="f1" ovf:href="root.vmdk"/><File ovf:id="f2" ovf:href="data.vmdk"/></References>
  <DiskSection>
    <Disk ovf:diskId="root" ovf:fileRef="f1" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30"/>
    <Disk ovf:diskId="data" ovf:fileRef="f2" ovf:capacity="16777216"/>
  </DiskSection>
  <VirtualSystem ovf:id="old">
    <OperatingSystemSection ovf:id="101"><Description>Linux</Description></OperatingSystemSection>
    <VirtualHardwareSection>
      ${item(3, { VirtualQuantity: 1 })}${item(4, { VirtualQuantity: 160, AllocationUnits: 'byte * 2^20' })}
      ${item(20, { InstanceID: 3 })}${disk('data', 1)}${disk('root', 0)}${item(10, { Connection: 'LAN' })}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;

export function guestOva(lab: () => TestLab): void {
  describe('a guest in an OVA', { concurrency: false }, () => {
    const pvc = (...args: string[]) => lab().pvc('hv1', [...args, '--yes']);
    const sh = async (text: string) => (await lab().exec('hv1', ['sh', '-c', text])).stdout.trim();
    const left = () => sh('rbd ls vms | grep moved; ls /var/lib/pvc/incoming/ova 2>/dev/null; true');
    const importing = (file: string, ...more: string[]) =>
      pvc('vm', 'import-ova', 'moved', `${place}/${file}`, '--pool', 'vms', ...more);

    before(async () => {
      await sh(`mkdir -p ${place}`);
      const convert = 'qemu-img convert -f raw -O vmdk -o subformat=streamOptimized';
      await sh(`${convert} ${guestDirectory}/disk.img ${place}/root.vmdk`);
      await sh(`truncate -s 16M ${place}/data.img && ${convert} ${place}/data.img ${place}/data.vmdk`);
      await lab().writeFile('hv1', `${place}/old.ovf`, descriptor);
      const inside = `cd ${place} &&`;
      await sh(
        `${inside} for f in old.ovf root.vmdk data.vmdk; do sha256sum $f; done | sed 's/^\\(.*\\)  \\(.*\\)$/SHA256(\\2)= \\1/' >old.mf`,
      );
      await sh(`${inside} tar -cf old.ova old.ovf old.mf root.vmdk data.vmdk`);
      await sh(`${inside} head -c 100000 old.ova >cut.ova`);
      await sh(
        `${inside} mkdir bad && cp old.ovf root.vmdk data.vmdk bad/ && sed 's/= 0/= 1/;t;s/= ./= 0/' old.mf >bad/old.mf`,
      );
    });

    it('that is cut off, or is not what its manifest says, is refused and leaves nothing', async () => {
      const cut = await importing('cut.ova');
      assert.equal(cut.code, 2, cut.stderr);
      assert.match(cut.stderr, /Unexpected EOF/);
      const bad = await pvc('vm', 'import-ovf', 'moved', `${place}/bad`, '--node', 'hv1', '--pool', 'vms');
      assert.equal(bad.code, 2, bad.stderr);
      assert.match(bad.stderr.replace(/\s+/g, ' '), /the checksum of root\.vmdk is/);
      assert.equal(await left(), '');
      assert.ok((await lab().ask('hv1', 'vm.list', {})).every(({ name }) => name !== 'moved'));
    });

    it('boots here, with both of its disks', async (t: TestContext) => {
      const beganMs = performance.now();
      const answer = (await importing('old.ova', '--start')).ok();
      t.diagnostic(`imported in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
      assert.match((answer.stderr + answer.stdout).replace(/\s+/g, ' '), /1 of its 1 network cards are left out/);
      const info = await lab().ask('hv1', 'vm.info', { vm: 'moved' });
      assert.deepEqual(
        info.disks.map(({ dev }) => dev),
        ['vda', 'vdb'],
      );
      const log = `/var/log/pvc/console/${info.uuid}.log`;
      await lab().waitFor(
        'it to boot, and to see its second disk',
        async () =>
          /disk vdb 16777216 bytes/.test((await lab().exec(info.node, ['cat', log], { accept: 'any' })).stdout),
        { timeoutMs: 180_000 },
      );
      assert.equal(await sh('ls /var/lib/pvc/incoming/ova'), '', 'nothing of the file is left on the node');
      (await pvc('vm', 'stop', 'moved')).ok();
    });
  });
}
