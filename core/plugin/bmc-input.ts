/** A BMC as operations describe it: what they take, and what is made of it. @module */
import { z } from 'zod';
import { type BmcSpec, bmcDefaults, bmcSecret, bmcSettings, bmcSpec } from '../model/bmc-kind.ts';
import type { Doc } from '../model/kind.ts';
import { type NodeSpec, type NodeStatus, node as nodeKind } from '../model/node-kind.ts';
import type { PlanBuilder } from '../operation/plan.ts';
import type { View } from '../operation/view.ts';
import { bmcError, type PowerDriver } from './power.ts';

const { shape } = bmcSpec;

export const bmcFields = {
  driver: shape.driver.default('ipmi').describe('protocol that it speaks: ipmi or redfish; plugins may bring others'),
  address: shape.address.describe('IP address or name of the BMC'),
  port: shape.port.describe('port; that of the protocol unless given'),
  user: shape.user.describe('user that may switch the power'),
  password: z
    .string()
    .regex(/^[\u0020-\u007e]{1,128}\r?\n?$/, 'a password is one line of 1 to 128 printable ASCII characters')
    .describe('its password: a file with one line, or `-` for standard input'),
  cipherSuite: shape.cipherSuite
    .optional()
    .describe('IPMI: what protects the session, 17 unless given; older BMCs have only 3'),
  privilege: shape.privilege.optional().describe('IPMI: what the session asks for, OPERATOR unless given'),
  system: shape.system.describe('Redfish: which system it is, where the BMC has several'),
  pin: shape.pin.describe(
    'Redfish: the public key that the BMC has to show; unless given, an authority vouches for it',
  ),
};
const fields = z.object(bmcFields);
export type BmcInput = z.output<typeof fields>;

/** Where the command line has the password from. */
export const bmcPasswordOption = { flag: 'password-file', from: 'file', value: 'FILE' } as const;

/** The node has no BMC from then on, and nobody knows its password. Nothing when it has none. */
export async function forgetBmc(plan: PlanBuilder, view: View, doc: Doc<NodeSpec, NodeStatus>): Promise<void> {
  const { bmc, ...spec } = doc.spec;
  if (bmc === undefined) return;
  const secret = await view.get(bmcSecret, doc.id);
  if (secret !== undefined) plan.remove(bmcSecret, secret);
  plan.update(nodeKind, doc, spec);
  plan.act(`forget the BMC of ${doc.id} at ${bmc.address}, and its password`);
}

/** The BMC without its password, which nobody is shown. */
export const shownBmc = bmcSpec.partial({ cipherSuite: true, privilege: true });
export type ShownBmc = z.output<typeof shownBmc>;

/** As it is called on the command line and in the hints. */
const flagOf = (setting: string): string => `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * What is stored of it. @param owner what has the BMC, for messages
 * @throws PvcError BMC_DRIVER_UNKNOWN, BMC_SETTING
 */
export function bmcFrom(
  owner: string,
  { password, ...told }: BmcInput,
  drivers: readonly PowerDriver[],
): { readonly bmc: BmcSpec; readonly password: string } {
  const { cipherSuite = bmcDefaults.cipherSuite, privilege = bmcDefaults.privilege } = told;
  const bmc: BmcSpec = { ...told, cipherSuite, privilege };
  const driver = drivers.find((one) => one.name === bmc.driver);
  if (driver === undefined)
    throw bmcError('BMC_DRIVER_UNKNOWN', { node: owner, driver: bmc.driver, known: knownDrivers(drivers) });
  const strange = bmcSettings.filter((setting) => told[setting] !== undefined && !driver.takes.includes(setting));
  if (strange.length > 0)
    throw bmcError('BMC_SETTING', { driver: driver.name, settings: strange.map(flagOf).join(', ') });
  return { bmc, password: password.replace(/\r?\n$/, '') };
}

type BmcPlace = Pick<BmcSpec, 'address' | 'driver' | 'port' | 'system'>;
const atOnePlace = (one: BmcPlace, other: BmcPlace): boolean =>
  (['address', 'driver', 'port'] as const).every((field) => one[field] === other[field]);

/** Whether one means all of a BMC of which the other means a system. Two that mean the same are refused by their claim. */
export const overlaps = (one: BmcPlace | undefined, other: BmcPlace): boolean =>
  one !== undefined && atOnePlace(one, other) && (one.system === undefined) !== (other.system === undefined);

/** Whether both mean the same machine, or one of them all of a BMC: for those that have no claim in common. */
export const sharesBmc = (one: BmcPlace | undefined, other: BmcPlace): boolean =>
  one !== undefined && (overlaps(one, other) || (atOnePlace(one, other) && one.system === other.system));

/** Without the settings that stand in every document and mean nothing to its driver. */
export function shownOf(bmc: BmcSpec, drivers: readonly PowerDriver[]): ShownBmc {
  const driver = drivers.find(({ name }) => name === bmc.driver);
  const strange: readonly string[] =
    driver === undefined ? [] : bmcSettings.filter((one) => !driver.takes.includes(one));
  return Object.fromEntries(Object.entries(bmc).filter(([key]) => !strange.includes(key))) as ShownBmc;
}

/** The names of drivers, for an error. */
export const knownDrivers = (drivers: readonly PowerDriver[]): string =>
  drivers.length === 0 ? 'none' : drivers.map(({ name }) => name).join(', ');

/** In a few words, for what is told of a machine. */
export const bmcInWords = (bmc: BmcSpec | null): string =>
  bmc === null ? 'none: its power cannot be switched from outside' : `${bmc.address} (${bmc.driver}, user ${bmc.user})`;
