/**
 * The structures that several procedures of libvirt's remote protocol share, and the protocol's own
 * upper limits. A limit is what libvirt checks too: to send more is an error there, to receive more a broken message here.
 * Facts: libvirt 9.0's remote protocol (procedure numbers, field order, REMOTE_*_MAX constants).
 * @module
 */
import {
  array,
  type Codec,
  double,
  hyper,
  int,
  intBool,
  opaqueFixed,
  optional,
  string,
  struct,
  uhyper,
  uint,
  union,
  type ValueOf,
} from './codec.ts';

export const limits = {
  stringBytes: 4_194_304,
  domains: 16_384,
  secrets: 16_384,
  secretValueBytes: 65_536,
  authTypes: 20,
  migrateParams: 64,
  migrateCookieBytes: 4_194_304,
  jobStats: 64,
  domainStats: 262_144,
  memoryStats: 1_024,
  nodeStats: 16,
  cpuMapBytes: 2_048,
  cpuMapsBytes: 8_388_608,
  vcpuInfos: 16_384,
  interfaces: 2_048,
  ipAddresses: 2_048,
  mountPoints: 256,
  diskErrors: 256,
  tuneParams: 32,
  interfaceParams: 16,
  cpuModels: 8_192,
  keycodes: 16,
} as const;

export const text = string(limits.stringBytes);
export const optionalText = optional(text);

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidBytes = opaqueFixed(16);

/** A UUID: 16 bytes on the wire, the usual 36 characters in lower case here. */
export const uuid: Codec<string> = {
  encode: (w, v) => {
    if (!uuidPattern.test(v)) throw w.refuse(`${v} is not a UUID`);
    uuidBytes.encode(w, Buffer.from(v.replaceAll('-', ''), 'hex'));
  },
  decode: (r) => {
    const hex = Buffer.from(uuidBytes.decode(r)).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  },
};

/** How libvirt names a domain in a call. The hypervisor driver finds it by its UUID; `id` is -1 when it does not run. */
export const domain = struct({ name: text, uuid, id: int });
export type WireDomain = ValueOf<typeof domain>;

export const network = struct({ name: text, uuid });

/** `usageType` is virSecretUsageType, `usageId` the text that domain XML refers to. */
export const secret = struct({ uuid, usageType: int, usageId: text });

/** virTypedParameterType and the value of each. */
export const typedValue = union({
  int: [1, int],
  uint: [2, uint],
  llong: [3, hyper],
  ullong: [4, uhyper],
  double: [5, double],
  boolean: [6, intBool],
  string: [7, text],
});

/** virTypedParameter. */
export const typedParam = struct({ field: text, value: typedValue });
export type TypedParam = ValueOf<typeof typedParam>;
export const typedParams = (max: number): Codec<readonly TypedParam[]> => array(typedParam, max);

/** Typed parameters as one object with plain values; 64-bit ones are rounded above 2^53. */
export const plainValues = (params: readonly TypedParam[]): Readonly<Record<string, number | string | boolean>> =>
  Object.fromEntries(
    params.map(({ field, value: { value } }) => [field, typeof value === 'bigint' ? Number(value) : value]),
  );

/** A name with an unsigned 64-bit value: the statistics of a node. */
export const namedValue = struct({ field: text, value: uhyper });

/** What a failed call returns: virError, with its two unused object references. */
export const errorReply = struct({
  code: int,
  domain: int,
  message: optionalText,
  level: int,
  object: optional(domain),
  str1: optionalText,
  str2: optionalText,
  str3: optionalText,
  int1: int,
  int2: int,
  network: optional(network),
});
export type ErrorReply = ValueOf<typeof errorReply>;
