/** The network that servers boot from: there is one such document, or none. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';

export const networkId = 'network';

/** Registered for nothing else (IANA); beside the API's own 7370. */
export const usualPort = 7380;

export const provisioningSpec = z.strictObject({
  /** The device of that network, the same on every coordinator. */
  device: names.linkName,
  /** The address there that belongs to the primary, with the length of the network: `10.9.0.1/24`. */
  address: z.cidrv4(),
  /** What is given to machines that boot; null: another server of that network gives addresses, and keeps doing so. */
  range: z.strictObject({ from: z.ipv4(), to: z.ipv4() }).nullable(),
  /** On which boot files are given out by HTTP. */
  port: z.int().min(1024).max(65_535),
});
export type ProvisioningSpec = z.output<typeof provisioningSpec>;

export const provisioning = defineKind<ProvisioningSpec, null>({
  name: 'provisioning',
  plural: 'provisioning networks',
  command: 'provisioner network',
  version: 1,
  id: z.literal(networkId),
  spec: provisioningSpec,
  status: z.null(),
  label: ({ address, device }) => `${address} on ${device}`,
});

export const provisioningError = defineErrors({
  PROVISIONING_INVALID: {
    message: 'Servers cannot boot from this network: {reason}.',
    hint: 'See docs/provisioning-nodes.md. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  PROVISIONING_NONE: {
    message: 'There is no network that servers boot from.',
    hint: 'Set it up with `pvc provisioner network set`.',
    http: 404,
    exit: 'notFound',
  },
  PROVISIONING_UNCHANGED: {
    message: 'Nothing to change in the network that servers boot from.',
    hint: 'It is already as asked.',
    http: 409,
    exit: 'refused',
  },
  PXE_PACKAGE_MISSING: {
    message: '{file} is not on {node} (package {package}), so no server can boot from it.',
    hint: 'Install it: `apt install {package}`. PVC goes on by itself.',
    http: 503,
    exit: 'failed',
  },
  PXE_PORT_TAKEN: {
    message: 'Boot files cannot be given out at {address}, port {port}: {reason}.',
    hint: 'Is the device there, and does nobody else use that port? It is tried again by itself.',
    http: 503,
    exit: 'failed',
  },
});
