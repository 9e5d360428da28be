/**
 * The BMC of a machine: it lives on without it, reads and switches its power, and may be dead, slow, or say what is not so.
 * What the daemons hear of it comes through a power driver as a plugin offers one.
 * @module
 */
import { bmcError, definePlugin, type PluginDefinition, type Power } from '../../core/plugin/api.ts';
import type { Life } from './life.ts';
import { bootMs } from './machine-clock.ts';
import type { World } from './world.ts';

/** `reads on`: for ever. `keeps on`: it takes an order to cut the power and does nothing. */
export const bmcModes = ['well', 'dead', 'reads on', 'keeps on'] as const;
export type BmcMode = (typeof bmcModes)[number];

/** How long a BMC takes for an answer when all is well. */
const answerMs = 300;

export class Bmc {
  readonly #world: World;
  readonly #node: string;
  mode: BmcMode = 'well';
  /** It reads off, whatever is so. */
  deceives = false;
  /** How long it takes for an answer; what it was told is done then, also when nobody waits any more. */
  delayMs = answerMs;
  /** Grows when it is healed: what it was told before is not done any more. */
  #generation = 0;

  constructor(world: World, node: string) {
    this.#world = world;
    this.#node = node;
  }

  heal(): void {
    this.mode = 'well';
    this.delayMs = answerMs;
    this.#generation += 1;
  }

  async status(): Promise<Power> {
    await this.#answers();
    if (this.deceives) return 'off';
    return this.mode === 'reads on' || this.#world.node(this.#node).powered ? 'on' : 'off';
  }

  async order(power: Power): Promise<void> {
    const generation = this.#generation;
    await this.#answers();
    if (generation !== this.#generation) return;
    const { trace } = this.#world;
    const node = this.#world.node(this.#node);
    trace.world(this.#node, `its BMC takes the order: ${power}`);
    if (power === 'on') await node.powerOn(bootMs);
    else if (this.mode !== 'keeps on') await node.powerOff();
  }

  async #answers(): Promise<void> {
    await this.#world.clock.sleep(this.delayMs);
    // What asks has a deadline of its own.
    if (this.mode === 'dead') await new Promise<never>(() => {});
  }
}

/** The driver of plugins/ipmi on the pretended BMCs. */
export const powerPlugin = (world: World, from: string, life: Life): PluginDefinition =>
  definePlugin({
    name: 'bmc',
    api: '^1',
    summary: 'the pretended BMCs',
    apply(pvc) {
      const order = (node: string, power: Power): Promise<void> =>
        life.call(`bmc.${power}`, () => {
          if (power === 'off') world.rules.cutsPower(node, from);
          return bmcOf(world, node).order(power);
        });
      pvc.hooks.power.tap(() => [
        {
          name: 'sim',
          summary: 'a pretended BMC',
          takes: [],
          status: ({ node }) => life.call('bmc.status', () => bmcOf(world, node).status()),
          off: ({ node }) => order(node, 'off'),
          on: ({ node }) => order(node, 'on'),
          reset: ({ node, address }) =>
            Promise.reject(bmcError('BMC_FAILED', { node, address, reason: 'it has no reset button' })),
        },
      ]);
    },
  });

function bmcOf(world: World, node: string): Bmc {
  const { bmc } = world.node(node);
  if (bmc === undefined) throw new Error(`${node} has no BMC`);
  return bmc;
}
