/**
 * Labs whose process was killed before it could clean up.
 * @module
 */
import { takeDown } from './down.ts';
import { isAlive } from './process-identity.ts';
import { findLab, labNames } from './state.ts';

/** Removes every lab that was to end with a process that is gone. @throws LabError as `takeDown` does */
export async function removeAbandonedLabs(): Promise<void> {
  for (const lab of await labNames()) {
    const owner = (await findLab(lab))?.owner;
    if (owner !== undefined && !(await isAlive(owner))) await takeDown(lab);
  }
}
