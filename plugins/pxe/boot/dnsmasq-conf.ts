/**
 * The file of the dnsmasq that machines boot by, as text: DHCP or proxy DHCP, and TFTP with iPXE. Options are those of
 * dnsmasq(8), 2.90; architectures of clients are those of RFC 4578 and its registry at IANA. Pure.
 * @module
 */
import type { ProvisioningSpec } from '../network/network-kind.ts';
import { hostPart, netmaskOf, netPart } from '../network/network-rules.ts';

/** Where Debian's package ipxe has what is given out by TFTP. */
export const tftpRoot = '/usr/lib/ipxe';
/** For a BIOS: the card's own driver (UNDI) goes on. */
export const biosLoader = 'undionly.kpxe';
/** For UEFI x86-64: the firmware's own driver of the card goes on. */
export const efiLoader = 'snponly.efi';

/** What iPXE fetches first: `http://10.9.0.1:7380/boot.ipxe`. */
export const scriptUrl = ({ address, port }: Pick<ProvisioningSpec, 'address' | 'port'>): string =>
  `http://${hostPart(address)}:${port}/boot.ipxe`;

/** Long enough to boot, short enough that a few addresses serve many machines. Seconds. */
const leaseS = 1800;

export function bootConf(spec: ProvisioningSpec, directory: string): string {
  const { device, address, range } = spec;
  const base = netPart(address).split('/')[0];
  const lines = [
    '# Written by pvc: changes are overwritten.',
    `interface=${device}`,
    'except-interface=lo',
    'bind-dynamic',
    '# Names are somebody else’s.',
    'port=0',
    `pid-file=${directory}/pid`,
    'log-facility=-',
    'log-dhcp',
    `dhcp-leasefile=${directory}/leases`,
    '',
    'enable-tftp',
    `tftp-root=${tftpRoot}`,
    '',
    '# What asks: a BIOS, UEFI x86-64 (7 and 9), or iPXE, which has come that far.',
    'dhcp-match=set:bios,option:client-arch,0',
    'dhcp-match=set:efi,option:client-arch,7',
    'dhcp-match=set:efi,option:client-arch,9',
    'dhcp-userclass=set:ipxe,iPXE',
    '',
    ...(range === null
      ? [
          '# Another server gives the addresses: only what to boot is added.',
          `dhcp-range=${base},proxy,${netmaskOf(address)}`,
          `pxe-service=tag:!ipxe,x86PC,"PVC",${biosLoader}`,
          `pxe-service=tag:!ipxe,X86-64_EFI,"PVC",${efiLoader}`,
          `pxe-service=tag:!ipxe,BC_EFI,"PVC",${efiLoader}`,
          '# A BIOS takes no answer that names no server.',
          `dhcp-boot=tag:ipxe,${scriptUrl(spec)},,${hostPart(address)}`,
        ]
      : [
          `dhcp-range=${range.from},${range.to},${netmaskOf(address)},${leaseS}`,
          'dhcp-authoritative',
          '# No way out: neither a router nor name servers.',
          'dhcp-option=option:router',
          'dhcp-option=option:dns-server',
          `dhcp-boot=tag:ipxe,${scriptUrl(spec)},,${hostPart(address)}`,
          `dhcp-boot=tag:!ipxe,tag:bios,${biosLoader},,${hostPart(address)}`,
          `dhcp-boot=tag:!ipxe,tag:efi,${efiLoader},,${hostPart(address)}`,
        ]),
  ];
  return `${lines.join('\n')}\n`;
}
