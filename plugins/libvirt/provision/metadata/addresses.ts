/**
 * Where guests ask: the addresses of EC2's instance metadata service ("Access instance metadata for an EC2 instance"), which
 * cloud-init knows, and how a guest is told to ask there: by the serial number of its machine (cloud-init, "NoCloud").
 * @module
 */

export const metadataAddresses = { ipv4: '169.254.169.254', ipv6: 'fd00:ec2::254' } as const;

/** Of the NoCloud tree. */
export const noCloudPath = 'nocloud';

/** `nocloud-net` is understood by cloud-init of every age, `nocloud` with an address by those since 23.4. */
export const seedSerial = `ds=nocloud-net;s=http://${metadataAddresses.ipv4}/${noCloudPath}/`;
