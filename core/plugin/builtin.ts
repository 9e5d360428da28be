/**
 * The built-in plugins, in the order in which their taps run. A plugin that uses the hook of another
 * stands after it only for the reader; loading does not need it.
 * @module
 */
import { cephPlugin } from '../../plugins/ceph/index.ts';
import { libvirt } from '../../plugins/libvirt/index.ts';
import type { PluginDefinition } from './plugin.ts';

export const builtinPlugins: readonly PluginDefinition[] = [libvirt, cephPlugin];
