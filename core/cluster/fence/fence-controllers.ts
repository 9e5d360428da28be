/** The controllers for nodes that die: of the primary, and of the node that is back. @module */
import type { Hooks } from '../../plugin/hooks.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import type { AnyController } from '../../reconcile/controller.ts';
import { Attempts } from './attempts.ts';
import { cutOffController } from './cut-off-controller.ts';
import { deathController, type Steadiness } from './death-controller.ts';
import { FenceBook } from './fence-book.ts';
import { fenceController } from './fence-controller.ts';
import { fencePowerController } from './power-controller.ts';
import { selfFenceController } from './self-fence-controller.ts';
import type { Silence } from './silence.ts';

export function fenceControllers(
  runtime: Runtime,
  hooks: Hooks,
  steadiness: Steadiness,
  silence: Silence,
): AnyController[] {
  const parts = { runtime, book: new FenceBook(runtime), attempts: new Attempts(), silence };
  return [
    deathController(runtime, steadiness, silence),
    fenceController(parts, hooks),
    fencePowerController(parts),
    selfFenceController(parts),
    cutOffController(runtime, hooks),
  ];
}
