/**
 * The built-in plugins, in the order in which their taps run. A plugin that uses the hook of another
 * stands after it only for the reader; loading does not need it.
 * @module
 */
import { cephPlugin } from '../../plugins/ceph/index.ts';
import { dnsmasqPlugin } from '../../plugins/dnsmasq/index.ts';
import { evpnPlugin } from '../../plugins/evpn/index.ts';
import { ipmiPlugin } from '../../plugins/ipmi/index.ts';
import { libvirt } from '../../plugins/libvirt/index.ts';
import { powerdnsPlugin } from '../../plugins/powerdns/index.ts';
import { pxePlugin } from '../../plugins/pxe/index.ts';
import type { PluginDefinition } from './plugin.ts';

// In the order in which they start: storage and networks before the guests that need them.
export const builtinPlugins: readonly PluginDefinition[] = [
  cephPlugin,
  evpnPlugin,
  dnsmasqPlugin,
  libvirt,
  powerdnsPlugin,
  ipmiPlugin,
  pxePlugin,
];
