/**
 * Anchored whitelists for everything that an administrator names. A name that passes here may go into
 * a key of the store, a file name, an argument vector and a generated configuration.
 * @module
 */
import { z } from 'zod';

/** RFC 1123 host label: a node's short name. */
export const nodeName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'a node name is 1 to 63 of a-z, 0-9 and "-", not starting or ending with "-"',
  );

/** Name of a guest: also a host label in DNS, and part of file and volume names. Upper case is kept, "_" and "." are allowed for guests that come from elsewhere. */
export const objectName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a name is 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", starting and ending with a letter or digit',
  );

/** A lower-case word for plugins, tags, tokens and the like. */
export const tagName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,62}$/,
    'a tag is 1 to 63 of A-Z, a-z, 0-9, ".", "_", ":", "@" and "-", starting with a letter or digit',
  );

/** RFC 9562, lower case. */
export const uuid = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'a UUID is 8-4-4-4-12 hexadecimal digits');

/** A unicast MAC address, lower case with colons (the lowest bit of the first octet is 0). */
export const macAddress = z
  .string()
  .toLowerCase()
  .regex(
    /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/,
    'a MAC address is six hexadecimal octets with ":", not a multicast address',
  );

/** A network device of the host: IFNAMSIZ (linux/if.h) allows 15 characters. */
export const linkName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, 'a network device is 1 to 15 of A-Z, a-z, 0-9, ".", "_" and "-"');

/** An absolute path without `..`, control characters or a trailing slash. */
export const absolutePath = z
  .string()
  .max(1024)
  .regex(
    /^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f/]$/,
    'an absolute path without "..", ending in a name',
  );

/** One line of text for people. */
export const oneLine = z
  .string()
  .max(500)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'one line of text');

/**
 * A disk of a node as administrators name it: a whole line of plain text that is no option. What it is, is found out on that node.
 */
export const diskWord = z
  .string()
  .trim()
  .regex(
    /^[A-Za-z0-9/][\x20-\x7e]{0,255}$/,
    'a disk is named by its path, its serial number or WWN, or as detect:NAME:SIZE:INDEX',
  );
