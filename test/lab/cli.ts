/**
 * `npm run lab -- …`: the lab from a terminal.
 * @module
 */
import { readWords } from '../tool.ts';
import { holdDaemon, killDaemon, startDaemon, stopDaemon } from './daemon.ts';
import { takeDown } from './down.ts';
import { commandOn } from './exec.ts';
import { Interrupted, watchInterrupt } from './interrupt.ts';
import { setCable } from './links.ts';
import { switchPower } from './power.ts';
import { CommandFailed, runInTerminal } from './run.ts';
import { cutSilently, endSilentCut } from './silent-cut.ts';
import { labNames, readLab } from './state.ts';
import { labStatus } from './status.ts';
import { type CableName, cableNames, LabError, networkNames, nodeOf } from './topology.ts';
import { bringUp } from './up.ts';

const usage = `usage: npm run lab -- COMMAND [--name LAB]

  up [--nodes N] [--dev] [--bare]     make a lab: nodes, networks and, unless --bare, a cluster of them all; the first
                                      three of several are its coordinators
                                      --dev runs the product from its sources; --store zookeeper also with one node
  exec NODE -- COMMAND…               run a command on a node, or in the network \`outside\` or \`fabric\`
  power NODE off|on                   cut a node's power, or boot it again
  cut NODE [CABLE…]                   pull a node's cables: cluster, storage, upstream, bmc; without a name all but bmc
    [--silent] [--direction in|out]   … the link stays up and carries nothing, or nothing in that direction
  heal NODE [CABLE…]                  plug them in again, and carry everything; without a name all
  daemon NODE stop|start|restart|kill|pause|resume
                                      stop, start, crash or hold still pvc daemon on a node
  status [--format json]              what is on
  down [--all]                        remove the lab, or every lab

Without --name: the only lab there is, or \`lab\`.
`;

const { values, positionals } = readWords('npm run lab', usage, {
  allowPositionals: true,
  options: {
    name: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    dev: { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
    store: { type: 'string' },
    silent: { type: 'boolean', default: false },
    direction: { type: 'string' },
    all: { type: 'boolean', default: false },
    format: { type: 'string', default: 'pretty' },
  },
});

/** The lab that is meant when none is named. */
async function chosenLab(): Promise<string> {
  const names = await labNames();
  return values.name ?? (names.length === 1 ? names[0] : undefined) ?? 'lab';
}

async function up(): Promise<number> {
  if (values.store !== undefined && values.store !== 'sqlite' && values.store !== 'zookeeper')
    return misused(`--store ${values.store}: not sqlite or zookeeper`);
  using interrupt = watchInterrupt();
  const begin = performance.now();
  const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  const record = await bringUp({
    name: values.name ?? 'lab',
    nodes: Number(values.nodes),
    dev: values.dev,
    bare: values.bare,
    ...(values.store === 'sqlite' || values.store === 'zookeeper' ? { store: values.store } : {}),
    signal: interrupt.signal,
    onStep: (text) => print(`${seconds().padStart(7)}  ${text}`),
  });
  const option = record.topology.name === 'lab' ? '' : ` --name ${record.topology.name}`;
  print(
    `lab ${record.topology.name} is up; try: npm run lab -- exec hv1${option} -- ${values.bare ? 'bash' : 'pvc cluster status'}`,
  );
  return 0;
}

async function status(): Promise<number> {
  const labs = values.name === undefined ? await labNames() : [values.name];
  const all = await Promise.all(labs.map(async (lab) => ({ lab, nodes: await labStatus(await readLab(lab)) })));
  if (values.format === 'json') {
    print(JSON.stringify(all));
    return 0;
  }
  if (all.length === 0) print('no lab');
  for (const { lab, nodes } of all) {
    print(`lab ${lab}`);
    for (const node of nodes) {
      const daemon = node.daemon === undefined ? 'daemon stopped' : `daemon ${node.daemon}`;
      print(
        `  ${node.name.padEnd(6)} ${node.power.padEnd(4)} ${daemon.padEnd(15)} cluster ${node.cluster}  upstream ${node.upstream}${node.cut.length === 0 ? '' : `  cut: ${node.cut.join(', ')}`}`,
      );
    }
  }
  return 0;
}

async function down(): Promise<number> {
  using interrupt = watchInterrupt();
  interrupt.signal.addEventListener('abort', () => print('finishing the removal first'));
  for (const lab of values.all ? await labNames() : [await chosenLab()]) {
    await takeDown(lab);
    print(`lab ${lab} is removed`);
  }
  return 0;
}

async function daemon(member: string, action: string): Promise<number> {
  const record = await readLab(await chosenLab());
  if (action === 'stop' || action === 'restart') await stopDaemon(record, member);
  if (action === 'start' || action === 'restart') await startDaemon(record, member);
  if (action === 'kill') await killDaemon(record, member);
  if (action === 'pause' || action === 'resume') await holdDaemon(record, member, action === 'pause');
  return ['stop', 'start', 'restart', 'kill', 'pause', 'resume'].includes(action)
    ? 0
    : misused(`daemon ${action}: not stop, start, restart, kill, pause or resume`);
}

async function power(member: string, state: string): Promise<number> {
  if (state !== 'off' && state !== 'on') return misused(`power ${state}: not off or on`);
  await switchPower(await readLab(await chosenLab()), member, state);
  return 0;
}

/** The cables that are meant. @throws LabError */
function chosenCables(names: readonly string[], all: readonly CableName[]): readonly CableName[] {
  const unknown = names.find((name) => !cableNames.some((cable) => cable === name));
  if (unknown !== undefined) throw new LabError(`${unknown} is no cable: ${cableNames.join(', ')}`);
  return names.length === 0 ? all : cableNames.filter((cable) => names.includes(cable));
}

async function cut(member: string, names: readonly string[]): Promise<number> {
  const { direction, silent } = values;
  if (direction !== undefined && direction !== 'in' && direction !== 'out')
    return misused(`--direction ${direction}: not in or out`);
  if (direction !== undefined && !silent)
    return misused('--direction goes with --silent: a pulled cable carries nothing');
  const { topology } = await readLab(await chosenLab());
  const node = nodeOf(topology, member);
  for (const cable of chosenCables(names, networkNames)) {
    if (silent) await cutSilently(topology.name, node, cable, direction === undefined ? ['in', 'out'] : [direction]);
    else await setCable(topology.name, node, cable, 'down');
  }
  return 0;
}

async function heal(member: string, names: readonly string[]): Promise<number> {
  const { topology } = await readLab(await chosenLab());
  const node = nodeOf(topology, member);
  for (const cable of chosenCables(names, cableNames)) {
    await endSilentCut(topology.name, node, cable);
    await setCable(topology.name, node, cable, 'up');
  }
  return 0;
}

async function exec(member: string, argv: readonly string[]): Promise<number> {
  if (argv.length === 0) return misused('exec: no command');
  return runInTerminal(await commandOn(await readLab(await chosenLab()), member, argv));
}

async function dispatch(): Promise<number> {
  const [command, member = '', argument = ''] = positionals;
  switch (command) {
    case 'up':
      return up();
    case 'exec':
      return exec(member, positionals.slice(2));
    case 'power':
      return power(member, argument);
    case 'cut':
      return cut(member, positionals.slice(2));
    case 'heal':
      return heal(member, positionals.slice(2));
    case 'daemon':
      return daemon(member, argument);
    case 'status':
      return status();
    case 'down':
      return down();
    default:
      return misused(command === undefined ? 'no command' : `no command ${command}`);
  }
}

function misused(what: string): number {
  process.stderr.write(`lab: ${what}\n\n${usage}`);
  return 2;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await dispatch();
} catch (error) {
  if (!(error instanceof LabError || error instanceof CommandFailed || error instanceof Interrupted)) throw error;
  process.stderr.write(`lab: ${error.message}\n`);
  process.exitCode = error instanceof Interrupted ? 130 : 1;
}
