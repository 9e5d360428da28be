/**
 * The built-in plugins, in the order in which their taps run. A plugin that uses the hook of another
 * stands after it only for the reader; loading does not need it.
 * @module
 */
import { cephPlugin } from '../../plugins/ceph/index.ts';
import { libvirt } from '../../plugins/libvirt/index.ts';
import type { PluginDefinition } from './plugin.ts';

// In the order in which they start: storage before the guests that need it.
export const builtinPlugins: readonly PluginDefinition[] = [cephPlugin, libvirt];
