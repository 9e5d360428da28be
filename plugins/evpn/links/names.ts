/** What the devices of a network are called on every node; at most 15 characters (IFNAMSIZ, linux/if.h). Pure. @module */

export const bridgeName = (vni: string): string => `pvcn${vni}`;
export const vxlanName = (vni: string): string => `pvcx${vni}`;
export const vlanName = (vni: string): string => `pvcv${vni}`;

/** The end of a guest's network card on its node. It tells which card it is, so that it can be plugged in again. */
export const tapName = (mac: string): string => `pvt${mac.replaceAll(':', '')}`;

/** The network of a device that is named like one of ours. */
export const vniOf = (device: string): string | undefined => /^pvc[nvx]([1-9]\d{0,7})$/.exec(device)?.[1];

/** The MAC address in the name of a guest's end. */
export function macOfTap(device: string): string | undefined {
  const digits = /^pvt([0-9a-f]{12})$/.exec(device)?.[1];
  return digits === undefined ? undefined : (digits.match(/../g) ?? []).join(':');
}

/**
 * The group (ip-link(8)) of the devices that PVC made: the kernel sets it as it makes a device, so there is no moment in
 * which one of ours could pass for somebody else's.
 */
export const linkGroup = '7370';
