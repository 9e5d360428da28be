/** Settings of `plugins.evpn.upstream` in pvc.yaml: the site's routers, as this node is plugged in. @module */
import ipaddr from 'ipaddr.js';
import { names, z } from '../../../core/plugin/api.ts';

/** Numbers of BGP systems: 32 bits (RFC 6793); the first and the last are reserved (RFC 7607, RFC 7300). */
export const asNumber = z.int().min(1).max(4_294_967_294);

/** Of two writings of one address the canonical one. */
const address = z.union([z.ipv4(), z.ipv6()]).transform((text) => ipaddr.parse(text).toString());

const router = z.strictObject({
  address: address.describe('its address; it hears of prefixes of the same family'),
  asn: asNumber.describe('number of its BGP system (ASN)'),
  passwordFile: names.absolutePath
    .optional()
    .describe('file with the password (TCP MD5) that the router has for this node, one line; for root alone'),
  bfd: z.boolean().default(false).describe('find out by BFD in a second that it is gone; it must speak BFD as well'),
});

export const upstreamConfig = z.strictObject({
  routers: z
    .array(router)
    .max(16)
    .default([])
    .refine((all) => new Set(all.map((one) => one.address)).size === all.length, 'a router is named twice')
    .describe('routers of the site with which this node speaks BGP'),
  floating: z
    .array(address)
    .max(8)
    .default([])
    .refine((all) => new Set(all).size === all.length, 'an address is named twice')
    .describe(
      'addresses on networks of the site that go with the role of primary; the same on every coordinator, and no node’s own',
    ),
  receive: z
    .enum(['nothing', 'default', 'all'])
    .default('nothing')
    .describe('routes that are taken from them: none, only that to the rest of the world, or all'),
});

export type UpstreamConfig = z.output<typeof upstreamConfig>;
export type Router = UpstreamConfig['routers'][number];
