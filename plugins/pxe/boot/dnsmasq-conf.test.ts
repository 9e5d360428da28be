import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootConf } from './dnsmasq-conf.ts';

const head = `# Written by pvc: changes are overwritten.
interface=eno2
except-interface=lo
bind-dynamic
# Names are somebody else’s.
port=0
pid-file=/run/pvc/dnsmasq/pxe/pid
log-facility=-
log-dhcp
dhcp-leasefile=/run/pvc/dnsmasq/pxe/leases

enable-tftp
tftp-root=/usr/lib/ipxe

# What asks: a BIOS, UEFI x86-64 (7 and 9), or iPXE, which has come that far.
dhcp-match=set:bios,option:client-arch,0
dhcp-match=set:efi,option:client-arch,7
dhcp-match=set:efi,option:client-arch,9
dhcp-userclass=set:ipxe,iPXE

`;

const spec = { device: 'eno2', address: '10.9.0.1/23', port: 7380 };

describe('the dnsmasq that machines boot by', () => {
  it('gives addresses and what to boot', () => {
    const range = { from: '10.9.0.100', to: '10.9.1.199' };
    assert.equal(
      bootConf({ ...spec, range }, '/run/pvc/dnsmasq/pxe'),
      `${head}dhcp-range=10.9.0.100,10.9.1.199,255.255.254.0,1800
dhcp-authoritative
# No way out: neither a router nor name servers.
dhcp-option=option:router
dhcp-option=option:dns-server
dhcp-boot=tag:ipxe,http://10.9.0.1:7380/boot.ipxe,,10.9.0.1
dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe,,10.9.0.1
dhcp-boot=tag:!ipxe,tag:efi,snponly.efi,,10.9.0.1
`,
    );
  });

  it('adds what to boot to another server’s addresses', () => {
    assert.equal(
      bootConf({ ...spec, range: null }, '/run/pvc/dnsmasq/pxe'),
      `${head}# Another server gives the addresses: only what to boot is added.
dhcp-range=10.9.0.0,proxy,255.255.254.0
pxe-service=tag:!ipxe,x86PC,"PVC",undionly.kpxe
pxe-service=tag:!ipxe,X86-64_EFI,"PVC",snponly.efi
pxe-service=tag:!ipxe,BC_EFI,"PVC",snponly.efi
# A BIOS takes no answer that names no server.
dhcp-boot=tag:ipxe,http://10.9.0.1:7380/boot.ipxe,,10.9.0.1
`,
    );
  });
});
