/** What `ip -j link show` tells of the virtual functions of a card. Pure. @module */
import { z } from '../../../core/plugin/api.ts';

/** The MAC address of a function that is nobody's. */
export const noMac = '00:00:00:00:00:00';

/** The same where a driver refuses zeros; libvirt uses it then, too (virNetDevSetNetConfig). */
export const otherNoMac = '02:00:00:00:00:00';

const shown = z.array(
  z.looseObject({
    vfinfo_list: z
      .array(
        z.looseObject({
          vf: z.int().min(0),
          /** iproute2 calls it so where the kernel tells the broadcast address as well, from Linux 5.3 on; else `mac`. */
          address: z.string().optional(),
          mac: z.string().optional(),
        }),
      )
      .default([]),
  }),
);

/** MAC addresses by the number of the function. @throws Error for what is no such print */
export const readFunctionMacs = (stdout: string): ReadonlyMap<number, string> =>
  new Map(
    shown
      .parse(JSON.parse(stdout))
      .flatMap(({ vfinfo_list }) => vfinfo_list)
      .map(({ vf, address, mac }) => [vf, (address ?? mac ?? noMac).toLowerCase()]),
  );

/** The parts of an address on the PCI bus, as libvirt writes them. @throws Error for what is no such address */
export function pciAddress(text: string): {
  readonly domain: string;
  readonly bus: string;
  readonly slot: string;
  readonly function: string;
} {
  const [, domain, bus, slot, part] = /^([\da-f]{4,8}):([\da-f]{2}):([\da-f]{2})\.([0-7])$/.exec(text) ?? [];
  if (domain === undefined) throw new Error(`"${text}" is no address on the PCI bus`);
  return { domain: `0x${domain}`, bus: `0x${bus ?? ''}`, slot: `0x${slot ?? ''}`, function: `0x${part ?? ''}` };
}
