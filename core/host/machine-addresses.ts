/** Addresses of this machine's network devices. @module */
import { networkInterfaces } from 'node:os';

/** Every IPv4 and IPv6 address but link-local ones, loopback included, in the order of the devices. */
export function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map((one) => one.address)
    .filter((address) => !address.toLowerCase().startsWith('fe80:'));
}
