/**
 * libvirtd as PVC wants it: its configuration, and how it is started and asked whether it answers.
 * @module
 */
import { type Host, type ServiceDefinition, z } from '../../core/plugin/api.ts';

/** One value of libvirt's configuration files: text, number, or a list of texts. */
const setting = z.union([z.string().max(256), z.int(), z.array(z.string().max(256)).max(64)]);

/** Longer than that guests may not take to move: with what is shut down then it must be less than systemd's half hour. */
export const mostLeaveS = 1_080;

export const libvirtConfig = z.strictObject({
  socket: z.string().startsWith('/').max(107).default('/run/libvirt/libvirt-sock').describe('unix socket of libvirtd'),
  uri: z.string().max(100).default('qemu:///system').describe('driver to connect to'),
  manage: z.boolean().default(true).describe('start libvirtd and keep it running'),
  daemon: z
    .string()
    .startsWith('/')
    .max(200)
    .default('/usr/sbin/libvirtd')
    .describe('program to start where PVC itself supervises libvirtd'),
  emulator: z
    .string()
    .startsWith('/')
    .max(200)
    .default('/usr/bin/qemu-system-x86_64')
    .describe('QEMU that is tried at start, to see whether KVM works'),
  sharedPaths: z
    .array(z.string().regex(/^\/[^:\u0000-\u001f]*[^:/\u0000-\u001f]$/, 'an absolute path without ":"'))
    .max(32)
    .default([])
    .describe(
      'directories with the same files on every node (NFS and the like): what lies there does not tie a guest to a node',
    ),
  leaveSeconds: z
    .int()
    .min(0)
    .max(mostLeaveS)
    .default(600)
    .describe(
      'how long guests may take to move away when this machine is shut down or rebooted; what is left is shut down',
    ),
  vncListen: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1').describe('address that guests’ VNC displays listen on'),
  qemu: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), setting)
    .default({})
    .describe('settings that PVC writes into qemu.conf'),
});
export type LibvirtConfig = z.output<typeof libvirtConfig>;

/** Which driver the URI means: `test:///default` is libvirt's own pretence of a hypervisor. */
export const driverOf = (config: Pick<LibvirtConfig, 'uri'>): 'qemu' | 'test' =>
  config.uri.startsWith('test:') ? 'test' : 'qemu';

const valueText = (value: z.infer<typeof setting>): string => {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  return `[ ${value.map((item) => JSON.stringify(item)).join(', ')} ]`;
};

const begin = '# BEGIN written by pvc; change plugins.libvirt.qemu in pvc.yaml instead';
const end = '# END written by pvc';

/** The text of one of libvirt's files with PVC's block in it; the rest stays as the administrator has it. Pure. */
export function withSettings(text: string, settings: LibvirtConfig['qemu']): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  const rest = from === -1 || to === -1 ? text : text.slice(0, from) + text.slice(to + end.length).replace(/^\n/, '');
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${valueText(value)}`);
  if (lines.length === 0) return rest;
  const separator = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${separator}${begin}\n${lines.join('\n')}\n${end}\n`;
}

const qemuConf = '/etc/libvirt/qemu.conf';

/** Writes qemu.conf if it is not as wanted. It takes effect when libvirtd starts. */
export async function writeQemuSettings(
  host: Pick<Host, 'files' | 'log'>,
  settings: LibvirtConfig['qemu'],
): Promise<void> {
  const text = (await host.files.readText(qemuConf)) ?? '';
  const wanted = withSettings(text, settings);
  if (wanted === text) return;
  await host.files.makeDirectory('/etc/libvirt', 0o755);
  await host.files.writeAtomic(qemuConf, wanted, 0o600);
  host.log.info('qemu.conf written; it takes effect when libvirtd starts');
}

/** @param listens it is to be reached by other nodes */
export function libvirtdService(host: Pick<Host, 'net'>, config: LibvirtConfig, listens: boolean): ServiceDefinition {
  return {
    name: 'libvirtd',
    unit: 'libvirtd.service',
    argv: listens ? [config.daemon, '--listen'] : [config.daemon],
    readyTimeoutMs: 30_000,
    async ready() {
      try {
        (await host.net.connect({ path: config.socket }, 2_000)).destroy();
        return true;
      } catch {
        // Not listening yet: that is the answer, not a fault.
        return false;
      }
    },
  };
}
