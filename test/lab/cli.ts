/**
 * `npm run lab -- …`: the lab from a terminal.
 * @module
 */
import { parseArgs } from 'node:util';
import { holdDaemon, killDaemon, startDaemon, stopDaemon } from './daemon.ts';
import { takeDown } from './down.ts';
import { commandOn } from './exec.ts';
import { Interrupted, watchInterrupt } from './interrupt.ts';
import { setCable } from './links.ts';
import { switchPower } from './power.ts';
import { CommandFailed, runInTerminal } from './run.ts';
import { labNames, readLab } from './state.ts';
import { labStatus } from './status.ts';
import { LabError, networkNames, nodeOf } from './topology.ts';
import { bringUp } from './up.ts';

const usage = `usage: npm run lab -- COMMAND [--name LAB]

  up [--nodes N] [--dev] [--bare]     make a lab: nodes, networks and, unless --bare, a cluster of them all; the first
                                      three of several are its coordinators
                                      --dev runs the product from its sources; --store zookeeper also with one node
  exec NODE -- COMMAND…               run a command on a node, or in the network \`outside\` or \`fabric\`
  power NODE off|on                   cut a node's power, or boot it again
  cut NODE [NETWORK…]                 pull a node's cables: cluster, storage, upstream; without a name all
  heal NODE [NETWORK…]                plug them in again
  daemon NODE stop|start|restart|kill|pause|resume
                                      stop, start, crash or hold still pvc daemon on a node
  status [--format json]              what is on
  down [--all]                        remove the lab, or every lab

Without --name: the only lab there is, or \`lab\`.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    dev: { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
    store: { type: 'string' },
    all: { type: 'boolean', default: false },
    format: { type: 'string', default: 'pretty' },
    help: { type: 'boolean', short: 'h', default: false },
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
        `  ${node.name.padEnd(6)} ${node.power.padEnd(4)} ${daemon.padEnd(15)} cluster ${node.cluster}  upstream ${node.upstream}`,
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

async function cables(member: string, networks: readonly string[], state: 'up' | 'down'): Promise<number> {
  const unknown = networks.find((name) => !networkNames.some((network) => network === name));
  if (unknown !== undefined) return misused(`${unknown}: not ${networkNames.join(', ')}`);
  const { topology } = await readLab(await chosenLab());
  const node = nodeOf(topology, member);
  for (const network of networkNames) {
    if (networks.length === 0 || networks.includes(network)) await setCable(topology.name, node, network, state);
  }
  return 0;
}

async function exec(member: string, argv: readonly string[]): Promise<number> {
  if (argv.length === 0) return misused('exec: no command');
  return runInTerminal(await commandOn(await readLab(await chosenLab()), member, argv));
}

async function dispatch(): Promise<number> {
  const [command, member = '', argument = ''] = positionals;
  if (values.help) {
    print(usage);
    return 0;
  }
  switch (command) {
    case 'up':
      return up();
    case 'exec':
      return exec(member, positionals.slice(2));
    case 'power':
      return power(member, argument);
    case 'cut':
      return cables(member, positionals.slice(2), 'down');
    case 'heal':
      return cables(member, positionals.slice(2), 'up');
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
