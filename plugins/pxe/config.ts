/** The section `plugins.pxe` of pvc.yaml. @module */
import { names, z } from '../../core/plugin/api.ts';

export const pxeConfig = z.strictObject({
  image: names.absolutePath
    .optional()
    .describe(
      'directory with the image that servers boot, on each coordinator: vmlinuz, initrd.img, root.squashfs, and site.tar where the site adds files; without it provisioning in the state directory',
    ),
});
export type PxeConfig = z.output<typeof pxeConfig>;
