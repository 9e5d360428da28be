/** Numbers of networks. Pure. @module */
import { mostVni } from './network-kind.ts';

/** Smaller ones are left to administrators who number their networks like VLANs. */
const firstChosen = 10_000;

/** The lowest number from 10000 that is free. @throws Error when all 16 million are taken */
export function freeVni(taken: ReadonlySet<number>): number {
  for (let vni = firstChosen; vni <= mostVni; vni += 1) if (!taken.has(vni)) return vni;
  throw new Error(`all numbers from ${firstChosen} to ${mostVni} are taken`);
}
