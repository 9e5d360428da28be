/**
 * What a script can do to the world: one line each, in words. `parseAction` reads a line and says what is wrong with it;
 * the action itself is carried out later.
 * @module
 */

import { parse as parseYaml } from 'yaml';
import { errorText, PvcError } from '../../core/error/error.ts';
import { taskEnded } from '../../core/task/task-kind.ts';
import { type BmcMode, bmcModes } from './bmc.ts';
import { healAll, setStore } from './heal.ts';
import { bootMs } from './machine-clock.ts';
import type { SimNode } from './node.ts';
import { ownerOf, type World } from './world.ts';

export type Action = (world: World) => void | Promise<void>;

/** What is wrong with a line of a script. */
export class ScriptError extends Error {}

interface Form {
  /** As `help` shows it. */
  readonly usage: string;
  readonly pattern: RegExp;
  readonly read: (words: Record<string, string | undefined>, names: Names) => Action;
}

/** What there is in the world that a line may name. */
export interface Names {
  node(name: string | undefined): string;
  guest(name: string | undefined): string;
  /** Stands for a node that is known only later. */
  readonly someNode: string;
}

const node = String.raw`(?<node>[a-z][\w-]*)`;
const trap = String.raw`(?: (?<when>before|after) call (?<count>\d+)(?: of (?<call>[\w./-]+))?)?`;

const ms = (text: string | undefined): number => {
  const [, number = '', unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text ?? '') ?? [];
  return Number(number) * (unit === 's' ? 1000 : 1);
};

const bmcText: Readonly<Record<BmcMode, string>> = {
  well: 'is well',
  dead: 'does not answer any more',
  'reads on': 'reads on, whatever is so',
  'keeps on': 'takes orders to cut the power, and does nothing',
};

/** Does something to a daemon: now, or when it next turns to the world. */
const toDaemon =
  (words: Record<string, string | undefined>, name: string, act: (target: SimNode) => void): Action =>
  (world) => {
    const target = world.node(name);
    if (words['when'] === undefined) return act(target);
    target.life?.set({
      call: words['call'] ?? '',
      count: Number(words['count']),
      when: words['when'] as 'before' | 'after',
      act: () => act(target),
    });
  };

const forms: readonly Form[] = [
  {
    usage: 'kill NODE [before|after call N [of CALL]]',
    pattern: new RegExp(`^kill ${node}${trap}$`),
    read: (words, names) => toDaemon(words, names.node(words['node']), (target) => target.crash()),
  },
  {
    usage: 'stop NODE [before|after call N [of CALL]]',
    pattern: new RegExp(`^stop ${node}${trap}$`),
    read: (words, names) => toDaemon(words, names.node(words['node']), (target) => target.pause()),
  },
  {
    usage: 'continue NODE',
    pattern: new RegExp(`^continue ${node}$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => world.node(target).resume();
    },
  },
  {
    usage: 'restart NODE',
    pattern: new RegExp(`^restart ${node}$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => world.node(target).restart();
    },
  },
  {
    usage: 'power off|on NODE',
    pattern: new RegExp(`^power (?<what>off|on) ${node}$`),
    read: ({ what, node: name }, names) => {
      const target = names.node(name);
      return (world) => (what === 'off' ? world.node(target).powerOff() : world.node(target).powerOn(bootMs));
    },
  },
  {
    usage: 'bmc NODE well|dead|reads on|keeps on|slow TIME',
    pattern: new RegExp(`^bmc ${node} (?:(?<what>${bmcModes.join('|')})|slow (?<time>[\\d.]+m?s))$`),
    read: ({ node: name, what, time }, names) => {
      const target = names.node(name);
      return (world) => {
        const { bmc } = world.node(target);
        if (bmc === undefined) throw new ScriptError(`${target} has no BMC: say bmc: true in cluster.yaml`);
        if (what === 'well') bmc.heal();
        else if (time === undefined) bmc.mode = what as BmcMode;
        else bmc.delayMs = ms(time);
        world.trace.world(
          target,
          `its BMC ${time === undefined ? bmcText[what as BmcMode] : `takes ${time} to answer`}`,
        );
      };
    },
  },
  {
    usage: 'storage stalls|answers [NODE]',
    pattern: new RegExp(`^storage (?<what>stalls|answers)(?: ${node})?$`),
    read: ({ what, node: name }, names) => {
      const target = name === undefined ? undefined : names.node(name);
      return (world) => world.storage.stall(what === 'stalls', target);
    },
  },
  {
    usage: 'cut NODE store [silently TIME] [requests|answers]',
    pattern: new RegExp(`^cut ${node} store(?: silently (?<notice>[\\d.]+m?s))?(?: (?<lost>requests|answers))?$`),
    read: ({ node: name, notice, lost }, names) => {
      const target = names.node(name);
      return (world) => {
        world.trace.world(target, `does not reach the store${lost === undefined ? '' : ` (${lost} are lost)`}`);
        world.cluster.link(ownerOf(target)).cut({ noticeAfterMs: ms(notice), lost: (lost ?? 'both') as 'both' });
      };
    },
  },
  {
    usage: 'heal NODE store',
    pattern: new RegExp(`^heal ${node} store$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => healStoreLink(world, target);
    },
  },
  {
    usage: 'cut NODE NODE',
    pattern: new RegExp(`^cut ${node} (?<other>[a-z][\\w-]*)$`),
    read: ({ node: name, other }, names) => {
      const [a, b] = [names.node(name), names.node(other)];
      return (world) => world.fabric.cut(a, b);
    },
  },
  {
    usage: 'mute NODE to NODE',
    pattern: new RegExp(`^mute ${node} to (?<other>[a-z][\\w-]*)$`),
    read: ({ node: name, other }, names) => {
      const [from, to] = [names.node(name), names.node(other)];
      return (world) => world.fabric.cutOneWay(from, to);
    },
  },
  {
    usage: 'partition NODE[,NODE…]',
    pattern: /^partition (?<some>[a-z][\w-]*(?:,[a-z][\w-]*)*)$/,
    read: ({ some = '' }, names) => {
      const group = some.split(',').map((name) => names.node(name));
      return (world) => partition(world, group);
    },
  },
  {
    usage: 'heal NODE NODE',
    pattern: new RegExp(`^heal ${node} (?<other>[a-z][\\w-]*)$`),
    read: ({ node: name, other }, names) => {
      const [a, b] = [names.node(name), names.node(other)];
      return (world) => world.fabric.heal(a, b);
    },
  },
  {
    usage: 'isolate NODE',
    pattern: new RegExp(`^isolate ${node}$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => {
        world.trace.world(target, 'is cut off from everything');
        world.cluster.link(ownerOf(target)).cut({ noticeAfterMs: 4_000 });
        for (const other of world.nodes.keys()) world.fabric.cut(target, other);
      };
    },
  },
  {
    usage: 'rejoin NODE',
    pattern: new RegExp(`^rejoin ${node}$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => {
        for (const other of world.nodes.keys()) world.fabric.heal(target, other);
        healStoreLink(world, target);
      };
    },
  },
  { usage: 'heal all', pattern: /^heal all$/, read: () => healAll },
  {
    usage: 'store down|up',
    pattern: /^store (?<what>down|up)$/,
    read:
      ({ what }) =>
      (world) =>
        setStore(world, what === 'down'),
  },
  {
    usage: 'store slow TIME [NODE]',
    pattern: new RegExp(`^store slow (?<time>[\\d.]+m?s)(?: ${node})?$`),
    read: ({ time, node: name }, names) => {
      const target = name === undefined ? undefined : names.node(name);
      return (world) => {
        for (const each of world.nodes.keys())
          if (target === undefined || each === target)
            world.cluster.link(ownerOf(each)).setLatency({ minMs: ms(time) / 2, maxMs: ms(time) });
      };
    },
  },
  {
    usage: 'store quick',
    pattern: /^store quick$/,
    read: () => (world) => {
      for (const each of world.nodes.keys())
        world.cluster.link(ownerOf(each)).setLatency(world.description.store.latencyMs);
    },
  },
  {
    usage: 'expire NODE',
    pattern: new RegExp(`^expire ${node}$`),
    read: ({ node: name }, names) => {
      const target = names.node(name);
      return (world) => world.cluster.expire(ownerOf(target));
    },
  },
  {
    usage: 'lose answer NODE done|undone',
    pattern: new RegExp(`^lose answer ${node} (?<what>done|undone)$`),
    read: ({ node: name, what }, names) => {
      const target = names.node(name);
      return (world) => world.cluster.link(ownerOf(target)).loseNextAnswer(what === 'done');
    },
  },
  {
    usage: 'lose answers NODE PERCENT%',
    pattern: new RegExp(`^lose answers ${node} (?<rate>\\d+)%$`),
    read: ({ node: name, rate }, names) => {
      const target = names.node(name);
      return (world) => world.cluster.link(ownerOf(target)).loseAnswers({ rate: Number(rate) / 100 });
    },
  },
  {
    usage: 'clock NODE +TIME|-TIME',
    pattern: new RegExp(`^clock ${node} (?<sign>[+-])(?<time>[\\d.]+m?s)$`),
    read: ({ node: name, sign, time }, names) => {
      const target = names.node(name);
      return (world) => world.node(target).clock.stepWall(sign === '-' ? -ms(time) : ms(time));
    },
  },
  {
    usage: 'libvirtd kill|start|hang|continue NODE',
    pattern: new RegExp(`^libvirtd (?<what>kill|start|hang|continue) ${node}$`),
    read: ({ what, node: name }, names) => {
      const target = names.node(name);
      return (world) => {
        const { hypervisor } = world.node(target);
        world.node(target).stoodStillMs = world.nowMs;
        if (what === 'kill') {
          hypervisor.crashLibvirtd();
          // As PVC, or systemd, does where it looks after libvirtd.
          world.clock.after(1_500, () => hypervisor.startLibvirtd());
        } else if (what === 'start') hypervisor.startLibvirtd();
        else if (what === 'hang') hypervisor.hangLibvirtd();
        else hypervisor.unhangLibvirtd();
      };
    },
  },
  {
    usage: 'guest GUEST crashes|ends|ignores the button|hears the button',
    pattern: /^guest (?<guest>[\w-]+) (?<what>crashes|ends|ignores the button|hears the button)$/,
    read: ({ guest, what }, names) => {
      const name = names.guest(guest);
      return (world) => guestDoes(world, name, what as string);
    },
  },
  {
    usage: 'fail starts NODE N',
    pattern: new RegExp(`^fail starts ${node} (?<count>\\d+)$`),
    read: ({ node: name, count }, names) => {
      const target = names.node(name);
      return (world) => {
        world.node(target).hypervisor.failingStarts = Number(count);
      };
    },
  },
  {
    usage: 'ask NODE OPERATION [FIELD=VALUE …]',
    pattern: new RegExp(`^ask ${node} (?<operation>[a-z-]+\\.[a-z-]+)(?<input>(?: [a-zA-Z]+=\\S+)*)$`),
    read: ({ node: name, operation, input }, names) => {
      const target = names.node(name);
      const fields = readFields(input ?? '');
      return (world) => ask(world, target, operation as string, fields);
    },
  },
  {
    usage: 'cancel GUEST at NODE',
    pattern: new RegExp(`^cancel (?<guest>[\\w-]+) at ${node}$`),
    read: ({ guest, node: name }, names) => {
      const [label, target] = [names.guest(guest), names.node(name)];
      return (world) => {
        const task = [...world.state.tasks.values()].find(
          ({ spec, status }) => spec.target.label === label && !taskEnded(status),
        );
        if (task !== undefined) ask(world, target, 'task.cancel', { task: task.id });
      };
    },
  },
  {
    usage: 'note TEXT',
    pattern: /^note (?<text>.+)$/,
    read: () => () => undefined,
  },
];

export const actionUsage: readonly string[] = forms.map(({ usage }) => usage);

/** @throws ScriptError */
export function parseAction(text: string, names: Names): Action {
  for (const form of forms) {
    const found = form.pattern.exec(text);
    if (found !== null) return form.read({ ...found.groups }, names);
  }
  const [verb = ''] = text.split(' ');
  const near = actionUsage.filter((usage) => usage.split(' ')[0] === verb);
  throw new ScriptError(
    near.length > 0
      ? `"${text}" is not understood; it is: ${near.join(', or ')}`
      : `"${text}" is not understood; there are: ${actionUsage.join('; ')}`,
  );
}

/** @throws ScriptError */
function readFields(text: string): Record<string, unknown> {
  const pairs = [...text.matchAll(/ ([a-zA-Z]+)=(\S+)/g)];
  return Object.fromEntries(
    pairs.map(([, field = '', value = '']) => {
      try {
        return [field, parseYaml(value) as unknown];
      } catch (error) {
        throw new ScriptError(`the value of ${field} is not understood: ${errorText(error)}`, { cause: error });
      }
    }),
  );
}

/** These hear each other, and nobody else; the store is on the other side. */
function partition(world: World, group: readonly string[]): void {
  world.trace.world('', `${group.join(', ')} and the others do not reach each other`);
  for (const name of group) {
    world.cluster.link(ownerOf(name)).cut({ noticeAfterMs: 4_000 });
    for (const other of world.nodes.keys()) if (!group.includes(other)) world.fabric.cut(name, other);
  }
}

function healStoreLink(world: World, node: string): void {
  const link = world.cluster.link(ownerOf(node));
  if (!link.up) world.trace.world(node, 'reaches the store again');
  link.heal();
}

function guestDoes(world: World, name: string, what: string): void {
  const truth = world.guests.named(name);
  if (truth === undefined) return;
  if (what === 'ignores the button' || what === 'hears the button') {
    truth.habits = { ...truth.habits, shutdownMs: what === 'hears the button' ? 2_000 : undefined };
    return;
  }
  for (const { hypervisor } of world.nodes.values()) {
    const domain = hypervisor.domains.get(truth.uuid);
    if (domain?.state !== 'running') continue;
    hypervisor.end(domain, what === 'crashes' ? 'crashed' : 'shutdown');
    return;
  }
}

/** Asks a node's daemon as a caller of its API would; what it answers goes to the log. */
export function ask(world: World, name: string, operation: string, input: Record<string, unknown>): void {
  const { trace } = world;
  const { api, life } = world.node(name);
  if (api === undefined || life === undefined) {
    trace.world(name, `does not answer ${operation}`);
    return;
  }
  const found = api.program.registry.get(operation);
  if (found?.type !== 'mutation') throw new ScriptError(`there is no operation ${operation} that changes something`);
  life
    .call('api', () => Promise.resolve())
    .then(() => api.executor.mutate(found, input, { name: 'admin', role: 'admin', via: 'socket' }))
    .then(
      ({ warnings }) => trace.world(name, `answers ${operation}: ok${warnings.map((one) => `; ${one}`).join('')}`),
      (error: unknown) => {
        if (!(error instanceof PvcError)) world.violated('not-an-answer', `${name}, ${operation}: ${errorText(error)}`);
        else trace.world(name, `refuses ${operation}: ${error.code} ${error.message}`);
      },
    );
}
