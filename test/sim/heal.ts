/** Puts everything right again that a script has broken. What is left to do then is the daemons' business. @module */
import { bootMs } from './machine-clock.ts';
import { ownerOf, type World } from './world.ts';

export async function healAll(world: World): Promise<void> {
  const { cluster, description, fabric } = world;
  world.disarm();
  fabric.healAll();
  if (world.storeDown) setStore(world, false);
  world.storage.stall(false);
  for (const node of world.nodes.values()) {
    const link = cluster.link(ownerOf(node.name));
    link.loseAnswers({ rate: 0 });
    link.setLatency(description.store.latencyMs);
    link.heal();
    node.life?.disarm();
    node.resume();
    node.bmc?.heal();
    node.hypervisor.unhangLibvirtd();
    node.hypervisor.startLibvirtd();
    node.hypervisor.failingStarts = 0;
    world.storage.stall(false, node.name);
    await node.powerOn(bootMs);
  }
}

/** The whole store stops answering, or answers again. */
export function setStore(world: World, down: boolean): void {
  if (world.storeDown === down) return;
  world.storeDown = down;
  world.trace.world('store', down ? 'does not answer any more' : 'answers again');
  world.cluster.setDown(down);
}
