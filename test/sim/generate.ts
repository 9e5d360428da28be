/**
 * Random worlds, and random things that happen to them: from a seed, a case that can be read, run again and shrunk.
 * @module
 */
import { type FencingPolicy, fencingPolicy } from '../../core/model/fencing-policy.ts';
import { contradiction } from '../../plugins/libvirt/rule/rule-check.ts';
import type { Rule } from '../../plugins/libvirt/rule/rule-kind.ts';
import { type Chance, chance } from './chance.ts';
import type { GuestDescription } from './guest-document.ts';
import { networkFaults } from './network-faults.ts';
import type { NodeDescription } from './node.ts';
import type { Case } from './run.ts';
import type { WorldDescription } from './world.ts';

export interface GenerateOptions {
  /** Absent: 3 to 9, drawn by lot. */
  readonly nodes?: number | undefined;
}

/** How long things happen; then all is healed. */
const chaosMs = [25_000, 70_000] as const;

export function generate(seed: number, options: GenerateOptions = {}): Case {
  const random = chance(`case/${seed}`);
  const world = makeWorld(seed, random, options.nodes ?? drawNodes(seed, random));
  return { world, script: makeScript(seed, world, random, chance(`power/${seed}`)) };
}

/** From 3 to 9, each of them in a tenth to a fifth of the worlds. */
function drawNodes(seed: number, random: Chance): number {
  const count = random.int(3, 7);
  // By a chance of its own, so that all other worlds are what they were when there were seven at most.
  return count >= 6 && chance(`many/${seed}`).happens(0.5) ? count + 2 : count;
}

function makeWorld(seed: number, random: Chance, count: number): WorldDescription {
  const coordinators = count >= 5 && random.happens(0.4) ? 5 : 3;
  const skewed = random.happens(0.5);
  const tight = random.happens(0.25);
  const power = chance(`bmc/${seed}`);
  const bmc = power.happens(0.6);
  const dog = chance(`watchdog/${seed}`);
  const watchdog = dog.happens(0.3) ? { timeoutS: 10, proves: dog.happens(0.8) } : undefined;
  const nodes = Array.from({ length: count }, (_, index): NodeDescription => {
    const name = `hv${index + 1}`;
    return {
      name,
      role: index < coordinators ? 'coordinator' : 'hypervisor',
      address: `10.0.1.${index + 1}`,
      memoryMiB: tight ? 1024 : random.pick([2048, 3072, 4096]),
      cpus: 4,
      wallOffMs: skewed ? Math.round(random.ms(-30_000, 30_000)) : 0,
      bmc,
      watchdog,
    };
  });
  const guests: GuestDescription[] = [];
  /** A cluster never begins with more promised than there is. */
  const roomOn = ({ name, memoryMiB }: NodeDescription): number =>
    memoryMiB - guests.reduce((sum, guest) => sum + (guest.node === name ? guest.memoryMiB : 0), 0);
  const guestCount = random.int(1, Math.min(6, count + 1));
  for (let index = 0; index < guestCount; index += 1) {
    const memoryMiB = random.pick([256, 512]);
    guests.push({
      name: `vm${index + 1}`,
      node: random.pick(nodes.filter((node) => roomOn(node) >= memoryMiB)).name,
      run: random.pick(['running', 'running', 'running', 'stopped']),
      memoryMiB,
      shutdownMs: random.happens(0.15) ? undefined : Math.round(random.ms(500, 6_000)),
      bootMs: Math.round(random.ms(150, 1_200)),
      volume: random.happens(0.6),
      spec: {
        shutdown: { timeoutS: random.int(5, 15), then: random.pick(['poweroff', 'poweroff', 'fail']) },
        restart: makeRestart(`${seed}/${index}`),
      },
    });
  }
  const latencyMs = random.pick([
    { minMs: 0, maxMs: 0 },
    { minMs: 0.5, maxMs: 3 },
    { minMs: 1, maxMs: 20 },
    { minMs: 5, maxMs: 120 },
  ]);
  return {
    seed: `world/${seed}`,
    nodes,
    guests,
    rules: makeRules(seed, guests),
    isolation: chance(`isolation/${seed}`).happens(0.15) ? 'keep' : undefined,
    fencing: bmc ? makePolicy(power) : undefined,
    floating: random.happens(0.8) ? '10.0.1.100' : undefined,
    store: { latencyMs },
  };
}

function makePolicy(random: Chance): FencingPolicy {
  return fencingPolicy.parse({
    power: random.pick(['cut', 'cut', 'cut', 'cut', 'read', 'never']),
    powerOn: random.happens(0.8),
    atMost: random.pick([49, 49, 100]),
    returns: random.pick(['ready', 'ready', 'ready', 'flushed']),
  });
}

/** Some are given up at the first end already. */
function makeRestart(of: string): { tries: number; then: string } {
  const random = chance(`restart/${of}`);
  return { tries: random.pick([0, 0, 1, 5]), then: random.pick(['move', 'move', 'move', 'fail', 'again']) };
}

/** Rules that hold at first: apart where two guests are on two nodes, together where they are on one. */
function makeRules(seed: number, guests: readonly GuestDescription[]): Rule[] {
  const random = chance(`rules/${seed}`);
  const rules: Rule[] = [];
  if (guests.length < 2 || random.happens(0.5)) return rules;
  for (const number of [1, 2]) {
    const [one, other] = [random.pick(guests), random.pick(guests)];
    if (one === other) continue;
    const rule: Rule = {
      name: `rule${number}`,
      kind: one.node === other.node ? 'together' : 'apart',
      strict: random.happens(0.8),
      guests: [one.name, other.name],
    };
    if (contradiction(rule, rules) === undefined) rules.push(rule);
  }
  return rules;
}

interface Scene {
  readonly world: WorldDescription;
  readonly random: Chance;
  /** Adds a line that happens at a time. */
  at(ms: number, action: string): void;
  /** Adds a line that waits for an occasion from a time on. */
  on(ms: number, line: string): void;
}

/** Something that happens; its first line at `ms`, and what ends it again later. */
type Happening = (scene: Scene, ms: number) => void;

const someNode = ({ world, random }: Scene): string => random.pick(world.nodes).name;
const someCoordinator = ({ world, random }: Scene): string =>
  random.pick(world.nodes.filter(({ role }) => role === 'coordinator')).name;
const someGuest = ({ world, random }: Scene): string => random.pick(world.guests).name;

const trap = ({ random }: Scene): string => {
  if (random.happens(0.3)) return '';
  const call = random.pick(['', '', ' of store.commit', ' of libvirt', ' of exec', ' of files']);
  return ` ${random.pick(['before', 'after'])} call ${random.int(1, call === '' ? 60 : 8)}${call}`;
};

const someTarget = (scene: Scene): string => (scene.random.happens(0.7) ? ` node=${someNode(scene)}` : '');
const someMethod = (scene: Scene): string => scene.random.pick(['', ' method=live', ' method=shutdown', ' timeoutS=6']);

const asks: readonly ((scene: Scene) => string)[] = [
  (scene) => `vm.start vm=${someGuest(scene)}`,
  (scene) => `vm.start vm=${someGuest(scene)}`,
  (scene) => `vm.stop vm=${someGuest(scene)}`,
  (scene) => `vm.shutdown vm=${someGuest(scene)}`,
  (scene) => `vm.restart vm=${someGuest(scene)} force=${scene.random.happens(0.5)}`,
  (scene) => `vm.pause vm=${someGuest(scene)}`,
  (scene) => `vm.resume vm=${someGuest(scene)}`,
  (scene) => `vm.reset vm=${someGuest(scene)}`,
  (scene) => `vm.disable vm=${someGuest(scene)} force=true`,
  (scene) =>
    `vm.create name=new${scene.random.int(1, 4)} memory=${scene.random.pick([256, 512])} start=true graphics=none`,
  (scene) => `vm.migrate vm=${someGuest(scene)}${someTarget(scene)}${someMethod(scene)}`,
  (scene) => `vm.migrate vm=${someGuest(scene)}${someTarget(scene)}${someMethod(scene)}`,
  (scene) => `vm.migrate vm=${someGuest(scene)}`,
  (scene) => `vm.move vm=${someGuest(scene)}${someTarget(scene)}${someMethod(scene)}`,
  (scene) => `vm.unmigrate vm=${someGuest(scene)}`,
  (scene) => `node.flush node=${someNode(scene)}`,
  (scene) => `node.flush node=${someNode(scene)}`,
  (scene) => `node.ready node=${someNode(scene)}`,
  (scene) => `node.primary node=${someCoordinator(scene)}`,
  (scene) => `node.secondary node=${someCoordinator(scene)}`,
];

/** A guest is moved, and something happens to one of the two nodes in the midst of it. */
function disturbedMove(scene: Scene, ms: number): void {
  const { random } = scene;
  const guest = someGuest(scene);
  const end = random.pick(['SOURCE', 'TARGET']);
  const phase = random.pick([
    'is prepared',
    'copies its memory',
    'copies its memory',
    'runs at the destination',
    'is done',
  ]);
  const [harm, cure] = random.pick([
    [`kill ${end}`, undefined],
    [`kill ${end}${trap(scene)}`, undefined],
    [`stop ${end}`, `continue ${end}`],
    [`power off ${end}`, `power on ${end}`],
    [`libvirtd kill ${end}`, undefined],
    [`libvirtd hang ${end}`, `libvirtd continue ${end}`],
    [`cut ${end} store silently 3s`, `heal ${end} store`],
    ['cut SOURCE TARGET', 'heal SOURCE TARGET'],
    [`lose answer ${end} done`, undefined],
    [`cancel ${guest} at ${someNode(scene)}`, undefined],
    [`guest ${guest} crashes`, undefined],
  ] as const);
  const laterMs = random.happens(0.5) ? 0 : random.ms(0, 3_000);
  const occasion = (extraMs: number): string =>
    `on "${guest} migration … ${phase}" + ${((laterMs + extraMs) / 1000).toFixed(3)}s`;
  scene.on(ms, `${occasion(0)}: ${harm}`);
  if (cure !== undefined) scene.on(ms, `${occasion(random.ms(300, 15_000))}: ${cure}`);
  scene.at(ms, `ask ${someNode(scene)} vm.migrate vm=${guest}${someTarget(scene)}`);
}

/** Guests are made at the same moment through several nodes. */
function rush(scene: Scene, ms: number): void {
  for (const number of [1, 2, 3, 4])
    scene.at(
      ms + scene.random.ms(0, 5),
      `ask ${someNode(scene)} vm.create name=rush${number} memory=${scene.random.pick([256, 384, 512])} start=true graphics=none`,
    );
}

/** The primary is at work on a node and stands still before one of its writes, for longer than its lease. */
function primaryStandsStill(scene: Scene, ms: number): void {
  const { random } = scene;
  const primary = someCoordinator(scene);
  scene.at(ms, `ask ${someNode(scene)} node.primary node=${primary}`);
  scene.at(ms + 2_000, `ask ${someNode(scene)} node.${random.pick(['flush', 'ready'])} node=${someNode(scene)}`);
  scene.at(ms + 2_000, `stop ${primary} before call ${random.int(1, 6)} of store.commit`);
  // Before the next primary has looked at anything, or long afterwards.
  if (random.happens(0.5))
    scene.on(ms + 2_100, `on "store … is primary" + ${random.ms(0, 0.6).toFixed(3)}s: continue ${primary}`);
  scene.at(ms + random.ms(12_000, 20_000), `continue ${primary}`);
}

const happenings: readonly (readonly [weight: number, happening: Happening])[] = [
  [10, (scene, ms) => scene.at(ms, `ask ${someNode(scene)} ${scene.random.pick(asks)(scene)}`)],
  [4, (scene, ms) => disturbedMove(scene, ms)],
  [1, (scene, ms) => rush(scene, ms)],
  [1.5, (scene, ms) => primaryStandsStill(scene, ms)],
  [1, (scene, ms) => scene.at(ms, `cancel ${someGuest(scene)} at ${someNode(scene)}`)],
  [3, (scene, ms) => scene.at(ms, `kill ${someNode(scene)}${trap(scene)}`)],
  [
    3,
    (scene, ms) => {
      const node = scene.random.happens(0.6) ? someCoordinator(scene) : someNode(scene);
      scene.at(ms, `stop ${node}${trap(scene)}`);
      scene.at(ms + scene.random.ms(500, 20_000), `continue ${node}`);
    },
  ],
  [1, (scene, ms) => scene.at(ms, `restart ${someNode(scene)}`)],
  [
    1.5,
    (scene, ms) => {
      const node = someNode(scene);
      scene.at(ms, `power off ${node}`);
      scene.at(ms + scene.random.ms(300, 25_000), `power on ${node}`);
    },
  ],
  [
    3,
    (scene, ms) => {
      const node = scene.random.happens(0.6) ? someCoordinator(scene) : someNode(scene);
      const silently = scene.random.happens(0.6) ? ` silently ${scene.random.int(1, 6)}s` : '';
      const lost = scene.random.pick(['', '', ' requests', ' answers']);
      scene.at(ms, `cut ${node} store${silently}${lost}`);
      scene.at(ms + scene.random.ms(200, 15_000), `heal ${node} store`);
    },
  ],
  [
    1,
    (scene, ms) => {
      const [a, b] = [someNode(scene), someNode(scene)];
      if (a === b) return;
      scene.at(ms, `cut ${a} ${b}`);
      scene.at(ms + scene.random.ms(200, 40_000), `heal ${a} ${b}`);
    },
  ],
  [
    1,
    (scene, ms) => {
      const node = someNode(scene);
      scene.at(ms, `isolate ${node}`);
      scene.at(ms + scene.random.ms(1_000, 20_000), `rejoin ${node}`);
    },
  ],
  [
    1,
    (scene, ms) => {
      scene.at(ms, 'store down');
      scene.at(ms + scene.random.ms(500, 20_000), 'store up');
    },
  ],
  [
    1,
    (scene, ms) => {
      scene.at(
        ms,
        `store slow ${scene.random.int(1, 30) * 100}ms${scene.random.happens(0.5) ? ` ${someNode(scene)}` : ''}`,
      );
      scene.at(ms + scene.random.ms(1_000, 10_000), 'store quick');
    },
  ],
  [
    1.5,
    // Its heartbeats do not arrive: the session expires, and it hears of it soon afterwards.
    (scene, ms) => {
      const node = someNode(scene);
      scene.at(ms, `cut ${node} store silently 6s requests`);
      scene.at(ms + scene.random.ms(6_000, 7_500), `heal ${node} store`);
    },
  ],
  [3, (scene, ms) => scene.at(ms, `lose answer ${someNode(scene)} ${scene.random.pick(['done', 'undone'])}`)],
  [
    1,
    (scene, ms) => {
      const node = someNode(scene);
      scene.at(ms, `lose answers ${node} ${scene.random.int(5, 60)}%`);
      scene.at(ms + scene.random.ms(1_000, 10_000), `lose answers ${node} 0%`);
    },
  ],
  [
    1,
    (scene, ms) =>
      scene.at(ms, `clock ${someNode(scene)} ${scene.random.pick(['+', '-'])}${scene.random.int(1, 3_000) * 100}ms`),
  ],
  [1, (scene, ms) => scene.at(ms, `libvirtd kill ${someNode(scene)}`)],
  [
    0.7,
    (scene, ms) => {
      const node = someNode(scene);
      scene.at(ms, `libvirtd hang ${node}`);
      scene.at(ms + scene.random.ms(500, 20_000), `libvirtd continue ${node}`);
    },
  ],
  [1.5, (scene, ms) => scene.at(ms, `guest ${someGuest(scene)} ${scene.random.pick(['crashes', 'ends'])}`)],
  [0.5, (scene, ms) => scene.at(ms, `fail starts ${someNode(scene)} ${scene.random.int(1, 3)}`)],
];

const totalWeight = happenings.reduce((sum, [weight]) => sum + weight, 0);

function drawHappening(random: Chance): Happening {
  let left = random.fraction() * totalWeight;
  for (const [weight, happening] of happenings) {
    left -= weight;
    if (left < 0) return happening;
  }
  return (happenings[0] as (typeof happenings)[number])[1];
}

/** BMCs fail, and the storage stands still, now and then while something else is wrong. */
function troublePower({ world, random, at }: Scene, fromMs: number, untilMs: number): void {
  if (world.nodes.some(({ bmc }) => bmc))
    for (let count = random.int(0, 3); count > 0; count -= 1) {
      const ms = random.ms(fromMs, untilMs);
      const node = random.pick(world.nodes).name;
      at(ms, `bmc ${node} ${random.pick(['dead', 'reads on', 'keeps on', `slow ${random.int(1, 12)}s`])}`);
      if (random.happens(0.6)) at(ms + random.ms(2_000, 40_000), `bmc ${node} well`);
      if (random.happens(0.5)) at(ms + random.ms(0, 3_000), `stop ${node}`);
    }
  if (random.happens(0.3)) {
    const ms = random.ms(fromMs, untilMs);
    at(ms, 'storage stalls');
    at(ms + random.ms(1_000, 40_000), 'storage answers');
  }
}

/** A node is away for so long that its watchdog is counted on. */
function longAbsence(scene: Scene, untilMs: number): void {
  const { random } = scene;
  const node = someNode(scene);
  const ms = random.ms(8_000, untilMs);
  scene.at(ms, random.happens(0.3) ? `stop ${node}` : `isolate ${node}`);
  scene.at(ms + random.ms(60_000, 80_000), `rejoin ${node}`);
}

function makeScript(seed: number, world: WorldDescription, random: Chance, power: Chance): string {
  const lines: { ms: number; text: string }[] = [];
  const scene: Scene = {
    world,
    random,
    at: (ms, action) => lines.push({ ms, text: `at ${(ms / 1000).toFixed(3)}s: ${action}` }),
    on: (ms, text) => lines.push({ ms, text }),
  };
  const untilMs = random.ms(...chaosMs);
  // Quiet or wild, and now and then several things at once.
  const pauseMs = random.pick([800, 2_000, 5_000]);
  let ms = random.ms(500, 6_000);
  while (ms < untilMs) {
    drawHappening(random)(scene, ms);
    if (!random.happens(0.25)) ms += random.ms(0, 2 * pauseMs);
    else ms += random.ms(0, 50);
  }
  lines.push(...networkFaults(seed, world, untilMs));
  if (world.nodes.some((node) => node.watchdog !== undefined))
    longAbsence({ ...scene, random: chance(`absence/${seed}`) }, untilMs);
  troublePower({ ...scene, random: power }, 500, untilMs);
  // What waits for an occasion stands before what brings it about.
  const order = (line: { ms: number; text: string }): number => (line.text.startsWith('on ') ? 0 : 1);
  lines.sort((a, b) => a.ms - b.ms || order(a) - order(b));
  return lines.map(({ text }) => `${text}\n`).join('');
}
