/**
 * Where a lab keeps its things on the machine.
 * @module
 */
import { join } from 'node:path';

/** What a lab is and what runs of it now; gone after the machine's own reboot. */
export const stateRoot = '/run/pvc-lab';

/**
 * What the nodes' disks hold. Not below /etc, /usr, /var or /root: those are covered by each node's own,
 * and the kernel refuses an overlay whose upper layer lies inside its lower one.
 */
export const dataRoot = '/srv/pvc-lab';

export const stateDirectory = (lab: string): string => join(stateRoot, lab);
export const dataDirectory = (lab: string): string => join(dataRoot, lab);
export const nodeDataDirectory = (lab: string, node: string): string => join(dataRoot, lab, node);
/** What the first process of a node and its boot script say. */
export const nodeBootLog = (lab: string, node: string): string => join(stateRoot, lab, `${node}.boot.log`);
