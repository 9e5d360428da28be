/** What `ip -j -d link show` tells of devices. Pure. @module */
import { z } from '../../../core/plugin/api.ts';

const link = z.looseObject({
  ifname: z.string(),
  /** The link that it stands on. */
  link: z.string().optional(),
  flags: z.array(z.string()).default([]),
  mtu: z.int(),
  address: z.string().optional(),
  master: z.string().optional(),
  group: z.string().default('default'),
  linkinfo: z
    .looseObject({
      info_kind: z.string().optional(),
      info_data: z
        .looseObject({
          id: z.int().optional(),
          protocol: z.string().optional(),
          local: z.string().optional(),
          port: z.int().optional(),
          learning: z.boolean().optional(),
          mcast_snooping: z.int().optional(),
        })
        .optional(),
      info_slave_data: z
        .looseObject({ learning: z.boolean().optional(), neigh_suppress: z.boolean().optional() })
        .optional(),
    })
    .optional(),
});
export type Link = z.infer<typeof link>;

/** iproute2 prints `{}` for each device that it was not asked for. */
const links = z.array(z.union([link, z.strictObject({})]));

/** @throws Error for what is no such print */
export function readLinks(stdout: string): Link[] {
  const parsed: unknown = stdout.trim() === '' ? [] : JSON.parse(stdout);
  return links.parse(parsed).filter((one): one is Link => 'ifname' in one);
}

const addressed = z.array(
  z.looseObject({
    ifname: z.string().optional(),
    mtu: z.int().optional(),
    addr_info: z
      .array(
        z.looseObject({
          local: z.string().optional(),
          prefixlen: z.int().optional(),
          scope: z.string().optional(),
        }),
      )
      .default([]),
  }),
);

/** Devices with their addresses, as `ip -j address show` tells of them. @throws Error for what is no such print */
export const readAddresses = (stdout: string): z.output<typeof addressed> =>
  addressed.parse(stdout.trim() === '' ? [] : JSON.parse(stdout));

/** The MTU of the device that has the address, in what `ip -j address show` tells; undefined when none has. */
export const mtuOfAddress = (stdout: string, address: string): number | undefined =>
  readAddresses(stdout).find(({ addr_info }) => addr_info.some(({ local }) => local === address))?.mtu;
