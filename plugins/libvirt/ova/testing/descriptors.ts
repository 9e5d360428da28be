/** Descriptors as exporters write them: the shapes of VMware's (default namespace, units as products) and of VirtualBox's. @module */

interface Parts {
  readonly items?: string;
  readonly disks?: string;
  readonly files?: string;
  readonly system?: string;
}

const file = (at: number): string => `<File ovf:id="file${at}" ovf:href="disk${at}.vmdk" ovf:size="1000"/>`;
const disk = (at: number): string =>
  `<Disk ovf:diskId="vmdisk${at}" ovf:fileRef="file${at}" ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^30"/>`;
const item = (type: number, ...fields: readonly string[]): string =>
  `<Item><rasd:ResourceType>${type}</rasd:ResourceType>${fields.join('')}</Item>`;
const field = (name: string, value: string | number): string => `<rasd:${name}>${value}</rasd:${name}>`;

export const diskItem = (at: number, parent: number, place: number): string =>
  item(
    17,
    ...[field('AddressOnParent', place), field('HostResource', `ovf:/disk/vmdisk${at}`)],
    ...[field('InstanceID', 20 + at), field('Parent', parent)],
  );

/** Two processors, 2 GiB, two disks on one controller, the second of which is told first, and two cards. */
export const standardItems = [
  item(3, field('VirtualQuantity', 2)),
  item(4, field('AllocationUnits', 'byte * 2^20'), field('VirtualQuantity', 2048)),
  item(6, field('InstanceID', 3), field('ResourceSubType', 'lsilogic')),
  diskItem(2, 3, 1),
  diskItem(1, 3, 0),
  item(10, field('Connection', 'VM Network')),
  item(10, field('Connection', 'Backup')),
  item(15, field('ElementName', 'CD/DVD drive 1')),
].join('');

/** As VMware's exporters write it; parts of it may be others. */
export function descriptor({ items = standardItems, disks, files, system = '' }: Parts = {}): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>${files ?? file(1) + file(2)}</References>
  <DiskSection><Info>Disks</Info>${disks ?? disk(1) + disk(2)}</DiskSection>
  <VirtualSystem ovf:id="web">
    <Name>web</Name>
    <OperatingSystemSection ovf:id="96"><Description>Debian GNU/Linux 12 (64-bit)</Description></OperatingSystemSection>
    <VirtualHardwareSection><Info>Hardware</Info>${items}
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
    </VirtualHardwareSection>${system}
  </VirtualSystem>
</Envelope>`;
}

/** As VirtualBox writes it: every element with a prefix, memory in words, a Windows, disks on two controllers. */
export const virtualBox = `<?xml version="1.0"?>
<ovf:Envelope ovf:version="2.0" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/2"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:sasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_StorageAllocationSettingData.xsd"
  xmlns:epasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_EthernetPortAllocationSettingData.xsd"
  xmlns:vbox="http://www.virtualbox.org/ovf/machine">
  <ovf:References>
    <ovf:File ovf:id="file1" ovf:href="win-disk001.vmdk"/>
    <ovf:File ovf:id="file2" ovf:href="win disk (2).vmdk"/>
  </ovf:References>
  <ovf:DiskSection>
    <ovf:Disk ovf:capacity="21474836480" ovf:diskId="vmdisk1" ovf:fileRef="file1"/>
    <ovf:Disk ovf:capacity="1073741824" ovf:diskId="vmdisk2" ovf:fileRef="file2"/>
  </ovf:DiskSection>
  <ovf:VirtualSystem ovf:id="win">
    <ovf:OperatingSystemSection ovf:id="103"><ovf:Description>Windows10_64</ovf:Description></ovf:OperatingSystemSection>
    <ovf:VirtualHardwareSection>
      <ovf:Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></ovf:Item>
      <ovf:Item><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>4096</rasd:VirtualQuantity></ovf:Item>
      <ovf:Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>20</rasd:ResourceType></ovf:Item>
      <ovf:Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></ovf:Item>
      <ovf:StorageItem><sasd:AddressOnParent>0</sasd:AddressOnParent><sasd:HostResource>/disk/vmdisk2</sasd:HostResource>
        <sasd:InstanceID>8</sasd:InstanceID><sasd:Parent>4</sasd:Parent><sasd:ResourceType>17</sasd:ResourceType></ovf:StorageItem>
      <ovf:StorageItem><sasd:AddressOnParent>0</sasd:AddressOnParent><sasd:HostResource>/disk/vmdisk1</sasd:HostResource>
        <sasd:InstanceID>9</sasd:InstanceID><sasd:Parent>3</sasd:Parent><sasd:ResourceType>17</sasd:ResourceType></ovf:StorageItem>
      <ovf:Item><rasd:ElementName>sound</rasd:ElementName><rasd:ResourceType>35</rasd:ResourceType></ovf:Item>
      <ovf:EthernetPortItem><epasd:Connection>NAT</epasd:Connection><epasd:ResourceType>10</epasd:ResourceType></ovf:EthernetPortItem>
    </ovf:VirtualHardwareSection>
  </ovf:VirtualSystem>
</ovf:Envelope>`;
