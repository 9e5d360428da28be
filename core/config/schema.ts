/**
 * The configuration file of a node, `/etc/pvc/pvc.yaml`. Every field has a default: an empty file is
 * a valid configuration. What concerns the whole cluster lives in the store, not here.
 * @module
 */
import { z } from 'zod';
import { bmcSpec } from '../model/bmc-kind.ts';
import { absolutePath, linkName, nodeName, tagName } from '../model/names.ts';

export const defaultConfigPath = '/etc/pvc/pvc.yaml';

const port = z.int().min(1).max(65_535);

const api = z
  .strictObject({
    listen: z.union([z.ipv4(), z.ipv6()]).default('0.0.0.0').describe('address of the HTTPS API; "::" for all'),
    port: port.default(7370).describe('port of the HTTPS API'),
    https: z.boolean().default(true).describe('false leaves only the unix socket'),
    socketGroup: linkName
      .optional()
      .describe('group that may use the unix socket besides root; its members are administrators'),
  })
  .prefault({});

const store = z
  .discriminatedUnion('backend', [
    z.strictObject({
      backend: z
        .literal('auto')
        .describe('what this node was made or joined with (`pvc cluster init`, `pvc node join`)'),
      path: absolutePath.optional().describe('where the embedded store is, if it is that; default: STATE/store.sqlite'),
    }),
    z.strictObject({
      backend: z.literal('sqlite').describe('the embedded store, for a cluster of one node'),
      path: absolutePath.optional().describe('default: STATE/store.sqlite'),
    }),
  ])
  .prefault({ backend: 'auto' });

const directories = z
  .strictObject({
    state: absolutePath.default('/var/lib/pvc').describe('what must survive: the store, keys and certificates, events'),
    run: absolutePath.default('/run/pvc').describe('what lasts until the next boot: the socket, pid files'),
    log: absolutePath.default('/var/log/pvc').describe('consoles of guests, output of services'),
  })
  .prefault({});

const bmc = z.strictObject({
  driver: bmcSpec.shape.driver.default('ipmi').describe('protocol that it speaks: ipmi or redfish'),
  address: bmcSpec.shape.address.describe('IP address or name of the BMC'),
  port: bmcSpec.shape.port.describe('port; that of the protocol unless given'),
  user: bmcSpec.shape.user.describe('user that may switch the power'),
  passwordFile: absolutePath.describe('file with the password, one line; for root alone'),
  cipherSuite: bmcSpec.shape.cipherSuite.optional().describe('IPMI: what protects the session; 17 unless given'),
  privilege: bmcSpec.shape.privilege.optional().describe('IPMI: what the session asks for; OPERATOR unless given'),
  system: bmcSpec.shape.system.describe('Redfish: which system it is, where the BMC has several'),
  pin: bmcSpec.shape.pin.describe(
    'Redfish: the public key that the BMC has to show; unless given, an authority vouches',
  ),
});

const watchdog = z.strictObject({
  device: z
    .string()
    .regex(/^\/dev\/watchdog\d{0,2}$/, 'a watchdog is /dev/watchdog0 and the like')
    .default('/dev/watchdog0')
    .describe('hardware watchdog of this machine (`wdctl`); nothing else may use it'),
  timeoutS: z.int().min(10).max(300).default(10).describe('seconds after which it resets the machine'),
  proves: z
    .boolean()
    .default(false)
    .describe(
      'whether its reset counts as proof that the machine is off; say so only when it was seen to reset this machine',
    ),
});

/** The fixed part; each plugin adds its own section below `plugins`. */
export const configSchema = z.strictObject({
  node: z.strictObject({ name: nodeName.optional().describe('default: the host name') }).prefault({}),
  bmc: bmc.optional().describe('the BMC of this node; taken when the daemon starts and the cluster knows none of it'),
  watchdog: watchdog
    .optional()
    .describe('resets the machine when its daemon reaches the state of the cluster no more, and others may'),
  api,
  store,
  directories,
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('the least that the daemon writes to its log'),
    })
    .prefault({}),
  services: z
    .strictObject({
      supervisor: z
        .enum(['auto', 'systemd', 'direct'])
        .default('auto')
        .describe('who starts libvirtd and the like: systemd, or PVC itself'),
    })
    .prefault({}),
  plugins: z
    .object({
      load: z
        .array(z.strictObject({ path: absolutePath }))
        .max(64)
        .default([])
        .describe('third-party plugins: a file, or a directory with plugin.json'),
      disable: z.array(tagName).max(64).default([]).describe('built-in plugins not to start on this node'),
    })
    .loose()
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
