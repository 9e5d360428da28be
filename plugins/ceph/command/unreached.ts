/** When monitors count as away, and how a client of Ceph says so: its call has cost its time, and the next would as well. @module */

/** How long the monitors may take to let a client in. */
export const connectSeconds = 5;

const marks =
  /RADOS timed out|error connecting to the cluster|couldn't connect to the cluster|unable to get monitor info|^timed out$|monclient\S* authenticate timed out/im;

/** @param result of a command that has ended */
export const reachedNobody = ({ code, stderr }: { readonly code: number | null; readonly stderr: string }): boolean =>
  code !== 0 && marks.test(stderr);
