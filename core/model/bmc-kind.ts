/**
 * The BMC of a node: by which its power is switched when its own daemon cannot be asked. Where it is and who logs in
 * stands in the node's document; the password in a document of its own.
 * @module
 */
import { z } from 'zod';
import { defineKind } from './kind.ts';
import { nodeName } from './names.ts';

export const bmcSpec = z.strictObject({
  /** The power driver that speaks its protocol; a plugin offers it. */
  driver: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'a driver is 1 to 40 of a-z, 0-9 and "-"'),
  address: z.union([
    z.ipv4(),
    z.ipv6(),
    z
      .string()
      .max(253)
      .regex(
        /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
        'an IP address, or a host name in lower case',
      ),
  ]),
  /** Default: that of the protocol. */
  port: z.int().min(1).max(65_535).optional(),
  user: z
    .string()
    .regex(
      /^[A-Za-z0-9._@\\][A-Za-z0-9._@\\-]{0,63}$/,
      'a user is 1 to 64 of A-Z, a-z, 0-9, ".", "_", "@", "\\" and "-", not starting with "-"',
    ),
  /**
   * What protects an IPMI session (IPMI 2.0, table 22-20): 3 is SHA-1, 17 SHA-256, both with AES. It and the privilege
   * stand here for every driver, though only IPMI takes them: nodes of an older version know no document without them.
   */
  cipherSuite: z.union([z.literal(3), z.literal(17)]),
  /** What the session asks for; OPERATOR may switch the power. */
  privilege: z.enum(['OPERATOR', 'ADMINISTRATOR']),
  /** Redfish: the `Id` of the system that is the node, where a BMC has several. */
  system: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$/, 'a system is 1 to 128 of A-Z, a-z, 0-9, ".", "_", ":", "~" and "-"')
    .optional(),
  /** Redfish: SHA-256 of the public key that the BMC has to show (RFC 7469, 2.4); without it an authority vouches. */
  pin: z
    .string()
    .regex(/^sha256\/\/[A-Za-z0-9+/]{43}=$/, 'a pin is "sha256//" and 44 characters of base64, the last of them "="')
    .optional(),
});
export type BmcSpec = z.infer<typeof bmcSpec>;

/** What only some protocols know. */
export const bmcSettings = ['cipherSuite', 'privilege', 'system', 'pin'] as const;
export type BmcSetting = (typeof bmcSettings)[number];
/** Those that stand in every document. */
export const bmcDefaults = { cipherSuite: 17, privilege: 'OPERATOR' } as const;

/**
 * The password, by the node's name. Bookkeeping: neither plans nor events nor audit records show it, no operation
 * reads it, and it concerns no node, so that only who switches the power looks at it: the primary.
 */
export const bmcSecret = defineKind<{ password: string }, null>({
  name: 'bmc-secret',
  plural: 'bmc-secrets',
  version: 1,
  id: nodeName,
  spec: z.strictObject({ password: z.string().min(1).max(128) }),
  status: z.null(),
  bookkeeping: true,
});
