/**
 * How the libvirtd of one node reaches that of another, to move guests: over TLS on the cluster network, each with
 * its node's certificate of the cluster's authority. Whoever has none is refused by libvirtd itself.
 * @module
 */
import type { Host, Runtime } from '../../core/plugin/api.ts';
import { withSettings } from './libvirtd.ts';

/** Of libvirt's TLS socket (remote_protocol's registered port). */
const tlsPort = 16514;
const libvirtdConf = '/etc/libvirt/libvirtd.conf';

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Where libvirt looks for certificates by names of its own (`pkipath`, libvirt's remote URI reference). */
const pkiDirectory = (state: string): string => `${state}/libvirt-pki`;

/** The other node's libvirtd as this one's reaches it, and where QEMU sends the memory. */
export const peerOf =
  (state: string) =>
  (address: string): { uri: string; data: string } => ({
    uri: `qemu+tls://${bracketed(address)}:${tlsPort}/system?pkipath=${encodeURIComponent(pkiDirectory(state))}`,
    data: `tcp://${bracketed(address)}`,
  });

/** Settings of libvirtd.conf by which it listens for its peers. Pure. */
export const listenSettings = (
  address: string,
  certificates: NonNullable<Runtime['certificates']>,
): Readonly<Record<string, string | number>> => ({
  listen_tls: 1,
  listen_tcp: 0,
  listen_addr: address,
  tls_port: String(tlsPort),
  key_file: certificates.key,
  cert_file: certificates.certificate,
  ca_file: certificates.authority,
  // The certificate is the proof; nobody outside the cluster has one.
  auth_tls: 'none',
  // Servers of one make may have the same number in their firmware, and then refuse to move guests between them.
  host_uuid_source: 'machine-id',
});

/** Writes what libvirtd needs to be reached by its peers; it takes effect when libvirtd starts. @returns whether anything changed */
export async function writePeerAccess(
  host: Pick<Host, 'files' | 'log'>,
  state: string,
  address: string,
  certificates: NonNullable<Runtime['certificates']>,
): Promise<boolean> {
  const directory = pkiDirectory(state);
  await host.files.makeDirectory(directory, 0o700);
  for (const [name, from] of [
    ['cacert.pem', certificates.authority],
    ['clientcert.pem', certificates.certificate],
    ['clientkey.pem', certificates.key],
  ] as const) {
    const text = await host.files.readText(from);
    const path = `${directory}/${name}`;
    if (text !== undefined && (await host.files.readText(path)) !== text)
      await host.files.writeAtomic(path, text, 0o600);
  }
  const text = (await host.files.readText(libvirtdConf)) ?? '';
  const wanted = withSettings(text, listenSettings(address, certificates));
  if (wanted === text) return false;
  await host.files.makeDirectory('/etc/libvirt', 0o755);
  await host.files.writeAtomic(libvirtdConf, wanted, 0o600);
  host.log.info('libvirtd.conf written: libvirtd listens for the other nodes', { address });
  return true;
}
