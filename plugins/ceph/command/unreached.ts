/** How a client of Ceph says that it reached no monitor: its call has cost its time, and the next would as well. @module */

const marks =
  /RADOS timed out|error connecting to the cluster|couldn't connect to the cluster|unable to get monitor info|^timed out$|monclient\S* authenticate timed out/im;

/** @param result of a command that has ended */
export const reachedNobody = ({ code, stderr }: { readonly code: number | null; readonly stderr: string }): boolean =>
  code !== 0 && marks.test(stderr);
