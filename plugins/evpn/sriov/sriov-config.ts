/** Which cards of a node give virtual functions to guests: `plugins.evpn.sriov` of pvc.yaml. @module */
import { names, z } from '../../../core/plugin/api.ts';

/** The field for their number in a card has 16 bits (PCI Express Base Specification, section 9.3.3.6: TotalVFs). */
const mostFunctions = 65_535;

const sriovDevice = z.strictObject({
  device: names.linkName.describe('link of this node whose card can do SR-IOV (its physical function)'),
  vfs: z.int().min(1).max(mostFunctions).describe('how many virtual functions it gives'),
  spoofCheck: z
    .boolean()
    .optional()
    .describe('the card drops what a guest sends under another MAC address (as its driver does by itself)'),
  trust: z
    .boolean()
    .optional()
    .describe('guests may change the MAC address of their function, and hear all (as its driver does by itself)'),
});
export type SriovDevice = z.output<typeof sriovDevice>;

export const sriovConfig = z
  .array(sriovDevice)
  .refine((all) => new Set(all.map(({ device }) => device)).size === all.length, 'a device is named twice')
  .describe('cards of this node that give virtual functions to guests');
