/** Keeps the number of virtual functions of this node's cards, and takes back those whose guests have gone. @module */
import { type AnyController, cluster, defineController } from '../../../core/plugin/api.ts';
import type { PhysicalFunctions } from './physical-functions.ts';
import { planFunctions, type SeenDevice, type SriovStep } from './sriov-plan.ts';
import type { VirtualCards } from './virtual-cards.ts';

export function sriovController(physical: PhysicalFunctions, cards: VirtualCards): AnyController {
  return defineController({
    name: 'network-functions',
    summary: 'keeps the virtual functions (SR-IOV) of the node’s cards that plugins.evpn.sriov names',
    kind: cluster,
    scope: 'node',
    async observe(): Promise<SeenDevice[]> {
      const all: SeenDevice[] = [];
      for (const wanted of physical.devices) {
        const seen = await physical.look(wanted.device);
        all.push({ wanted, seen, leftBehind: typeof seen === 'string' ? [] : await cards.leftBehind(seen) });
      }
      return all;
    },
    plan: (_doc, devices) => planFunctions(devices),
    async apply(step: SriovStep) {
      if (step.do === 'make') await physical.makeFunctions(step.device, step.count);
      else await cards.takeBack(step.device, step.index);
    },
  });
}
