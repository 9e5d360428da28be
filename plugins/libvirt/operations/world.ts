/** What a placement is decided from, as the store has it, and what a plan relies on of it. @module */
import { node, type PlanBuilder, type View } from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import type { Ledger, World } from '../ledger.ts';
import { rulesOf } from '../rule/rule-kind.ts';
import { vm } from '../vm-kind.ts';

/** What placement is decided from. The bookings must have been read before: see `bookingsOf`. */
export async function worldOf(view: View): Promise<World> {
  return {
    nodes: await view.list(node),
    alive: await view.alive(),
    guests: await view.list(vm),
    rules: await rulesOf(view),
  };
}

/**
 * Makes the plan conflict with any other that moves a guest which it relies on to stay: those in a strict rule with one
 * that it places.
 */
export function pinOthers(plan: PlanBuilder, ledger: Ledger, placed: readonly VmDoc[]): void {
  const names = new Set(placed.map(({ spec }) => spec.name));
  const others = new Set([...ledger.rulesOf(names)].filter(({ strict }) => strict).flatMap(({ guests }) => guests));
  for (const doc of ledger.world.guests)
    if (others.has(doc.spec.name) && !names.has(doc.spec.name)) plan.unchanged(vm, doc);
}
