/**
 * Random worlds, and random things that happen to them: from a seed, a case that can be read, run again and shrunk.
 * @module
 */
import { type Chance, chance } from './chance.ts';
import type { GuestDescription } from './guest-document.ts';
import type { NodeDescription } from './node.ts';
import type { Case } from './run.ts';
import type { WorldDescription } from './world.ts';

export interface GenerateOptions {
  /** Absent: 3 to 7, drawn by lot. */
  readonly nodes?: number | undefined;
}

/** How long things happen; then all is healed. */
const chaosMs = [25_000, 70_000] as const;

export function generate(seed: number, options: GenerateOptions = {}): Case {
  const random = chance(`case/${seed}`);
  const world = makeWorld(seed, random, options.nodes ?? random.int(3, 7));
  return { world, script: makeScript(world, random) };
}

function makeWorld(seed: number, random: Chance, count: number): WorldDescription {
  const coordinators = count >= 5 && random.happens(0.4) ? 5 : 3;
  const skewed = random.happens(0.5);
  const nodes = Array.from({ length: count }, (_, index): NodeDescription => {
    const name = `hv${index + 1}`;
    return {
      name,
      role: index < coordinators ? 'coordinator' : 'hypervisor',
      address: `10.0.1.${index + 1}`,
      memoryMiB: random.pick([2048, 3072, 4096]),
      cpus: 4,
      wallOffMs: skewed ? Math.round(random.ms(-30_000, 30_000)) : 0,
    };
  });
  const guests = Array.from(
    { length: random.int(1, Math.min(6, count + 1)) },
    (_, index): GuestDescription => ({
      name: `vm${index + 1}`,
      node: random.pick(nodes).name,
      run: random.pick(['running', 'running', 'running', 'stopped']),
      memoryMiB: random.pick([256, 512]),
      shutdownMs: random.happens(0.15) ? undefined : Math.round(random.ms(500, 6_000)),
      bootMs: Math.round(random.ms(150, 1_200)),
      spec: { shutdown: { timeoutS: random.int(5, 15), then: random.pick(['poweroff', 'poweroff', 'fail']) } },
    }),
  );
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
    floating: random.happens(0.8) ? '10.0.1.100' : undefined,
    store: { latencyMs },
  };
}

interface Scene {
  readonly world: WorldDescription;
  readonly random: Chance;
  /** Adds a line that happens at a time. */
  at(ms: number, action: string): void;
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
  (scene) => `node.primary node=${someCoordinator(scene)}`,
  (scene) => `node.secondary node=${someCoordinator(scene)}`,
];

const happenings: readonly (readonly [weight: number, happening: Happening])[] = [
  [10, (scene, ms) => scene.at(ms, `ask ${someNode(scene)} ${scene.random.pick(asks)(scene)}`)],
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

function makeScript(world: WorldDescription, random: Chance): string {
  const lines: { ms: number; action: string }[] = [];
  const scene: Scene = { world, random, at: (ms, action) => lines.push({ ms, action }) };
  const untilMs = random.ms(...chaosMs);
  // Quiet or wild, and now and then several things at once.
  const pauseMs = random.pick([800, 2_000, 5_000]);
  let ms = random.ms(500, 6_000);
  while (ms < untilMs) {
    drawHappening(random)(scene, ms);
    if (!random.happens(0.25)) ms += random.ms(0, 2 * pauseMs);
    else ms += random.ms(0, 50);
  }
  lines.sort((a, b) => a.ms - b.ms);
  return lines.map(({ ms: time, action }) => `at ${(time / 1000).toFixed(3)}s: ${action}\n`).join('');
}
