/**
 * `npm start`: a working cluster of one node with storage, a network and a running guest on both, in a lab of its own, until
 * Ctrl-C.
 *
 *     npm start [-- --once] [--dev] [--name LAB]      --once: show that it works, remove it, end
 *
 * @module
 */
import { readWords } from '../tool.ts';
import { removeAbandonedLabs } from './abandoned.ts';
import { becomesTrue } from './becomes-true.ts';
import { guestDirectory } from './boot-script.ts';
import { followConsole } from './console-log.ts';
import { takeDown } from './down.ts';
import { execOn } from './exec.ts';
import { Interrupted, watchInterrupt } from './interrupt.ts';
import { publishPort } from './publish.ts';
import { CommandFailed } from './run.ts';
import { type LabRecord, labNames, readCluster } from './state.ts';
import { LabError } from './topology.ts';
import { bringUp } from './up.ts';

const usage = `npm start: a cluster of one node with storage, a network and a guest, until Ctrl-C; then all of it is removed.

  npm start -- --once        shows that it works, and ends; the exit code tells
  npm start -- --dev         runs the product from its sources
  npm start -- --name NAME   the name of its lab (quickstart)
`;

const { values: options } = readWords('npm start', usage, {
  options: {
    once: { type: 'boolean', default: false },
    dev: { type: 'boolean', default: false },
    name: { type: 'string', default: 'quickstart' },
  },
});

const begin = performance.now();
const node = 'hv1';
const guest = 'demo';
const pool = 'vms';
const network = 'guests';
const domain = 'demo.test';
const gateway = '10.20.0.1';
/** Reserved for the guest. */
const guestAddress = '10.20.0.10';
const apiPort = 7370;

const print = (line = '') => void process.stdout.write(`${line}\n`);
const step = (text: string) => print(`${`${((performance.now() - begin) / 1000).toFixed(1)} s`.padStart(8)}  ${text}`);

type Pvc = (...args: string[]) => Promise<void>;

/** The disk of the storage that came with the cluster: one in a file and so without copies, and the guest's disk in it. */
async function makeStorage(pvc: Pvc): Promise<void> {
  // Below /var: that is the node's own.
  await pvc('storage', 'osd', 'add', node, '/var/lib/pvc-osd0', '--size', '8G', '--yes');
  await pvc('storage', 'pool', 'add', pool, '--replicas', '1');
  step('storage with one disk and a pool');
  await pvc('storage', 'volume', 'upload', `${pool}/${guest}`, `${guestDirectory}/disk.img`);
  step("the guest's disk is uploaded");
}

/** A network with a router, a firewall, DHCP and names; what its guests send to the world gets the address of the node. */
async function makeNetwork(pvc: Pvc): Promise<void> {
  const addresses = ['--ipv4', '10.20.0.0/24', '--gateway4', gateway, '--domain', domain, '--nat'];
  await pvc('network', 'add', network, ...addresses);
  await pvc('network', 'dhcp', 'enable', network);
  step('a network with DHCP and names');
}

/** The MAC address of the guest's card. */
async function macOf(record: LabRecord, signal: AbortSignal): Promise<string> {
  const { stdout } = await execOn(record, node, ['pvc', 'vm', 'nic', 'list', '--format', 'json'], { signal });
  const card = (JSON.parse(stdout) as { vm: string; mac: string }[]).find(({ vm }) => vm === guest);
  if (card === undefined) throw new LabError(`the guest ${guest} has no network card:\n${stdout}`);
  return card.mac;
}

/** Asks the gateway, as a guest would. Its daemon is told of a new name within a moment. @throws LabError */
async function resolveName(record: LabRecord, signal: AbortSignal): Promise<void> {
  const name = `${guest}.${domain}`;
  const ask = ['dig', '+short', '+tries=1', '+time=2', `@${gateway}`, name];
  const found = await becomesTrue(
    async () => (await execOn(record, node, ask, { signal, accept: 'any' })).stdout.trim() === guestAddress,
    20_000,
    signal,
  );
  if (!found) throw new LabError(`${name} has no address`);
  step(`${name} is ${guestAddress}, says the name server at ${gateway}`);
}

/** Makes the guest, starts it and shows its console until it has counted and can be reached; its address. */
async function runGuest(record: LabRecord, signal: AbortSignal): Promise<string> {
  const pvc: Pvc = async (...args) => {
    print(`          $ pvc ${args.join(' ')}`);
    await execOn(record, node, ['pvc', ...args], { signal });
  };
  await makeStorage(pvc);
  await makeNetwork(pvc);
  // The disk boots by itself as well; its boot loader is just slow where the machine is emulated.
  const boot = [
    '--kernel',
    `${guestDirectory}/vmlinuz`,
    '--initrd',
    `${guestDirectory}/initrd`,
    '--cmdline',
    'console=ttyS0 quiet',
  ];
  const size = ['--vcpus', '1', '--memory', '192'];
  await pvc(
    'vm',
    'create',
    guest,
    ...size,
    ...boot,
    '--disk',
    `volume=${pool}/${guest}`,
    '--nic',
    `network=${network}`,
  );
  const mac = await macOf(record, signal);
  await pvc('network', 'dhcp', 'add', network, mac, guestAddress, '--hostname', guest);
  await pvc('vm', 'start', guest);
  step('guest started; its console:');
  const address = await followConsole(record, node, guest, { signal, onLine: (line) => print(`          | ${line}`) });
  step(`guest counts and has ${address}`);
  await execOn(record, node, ['ping', '-q', '-c', '1', '-W', '5', address], { signal });
  step('guest answers ping');
  await resolveName(record, signal);
  return address;
}

/** What a newcomer may do next. */
async function printInvitation(record: LabRecord, address: string, port: number): Promise<void> {
  const lab = record.topology.name;
  const name = (await labNames()).length === 1 ? '' : ` --name ${lab}`;
  const inNode = `npm run lab -- exec ${node}${name} --`;
  const token = (await readCluster(lab))?.token ?? '';
  print(`
Cluster ${lab} runs on one node, ${node}; on it the guest ${guest} at ${address}. Try in another terminal:

  ${inNode} pvc cluster status
  ${inNode} pvc vm list
  ${inNode} pvc vm info ${guest}
  ${inNode} pvc vm log -f ${guest}
  ${inNode} pvc vm console ${guest}
  ${inNode} pvc storage status
  ${inNode} pvc network info ${network}
  ${inNode} pvc network dhcp list
  ${inNode} dig @${gateway} ${guest}.${domain}
  ${inNode} pvc vm snapshot add ${guest} first
  ${inNode} pvc vm shutdown ${guest}
  ${inNode} pvc --help
  ${inNode} bash

HTTPS API: https://127.0.0.1:${port}/api/v1 (certificate of its own), with this token:

  curl -k -H 'Authorization: Bearer ${token}' https://127.0.0.1:${port}/api/v1/vms

Ctrl-C removes everything.`);
}

/** Resolves when `signal` aborts. */
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

async function main(): Promise<void> {
  using interrupt = watchInterrupt();
  const { signal } = interrupt;
  const { name, dev } = options;
  await removeAbandonedLabs();
  const record = await bringUp({ name, dev, storage: true, owned: true, signal, onStep: step });
  try {
    const address = await runGuest(record, signal);
    if (!options.once) await stay(record, address, signal);
  } catch (error) {
    // A command that failed because it was interrupted is no failure.
    if (!signal.aborted) throw error;
  } finally {
    print();
    step('removing everything');
    await takeDown(name);
    step('everything is removed');
  }
}

/** Until Ctrl-C. */
async function stay(record: LabRecord, address: string, signal: AbortSignal): Promise<void> {
  await using api = await publishPort(record, node, apiPort, apiPort);
  await printInvitation(record, address, api.port);
  await aborted(signal);
}

try {
  await main();
} catch (error) {
  if (error instanceof LabError || error instanceof CommandFailed) {
    process.stderr.write(`quickstart: ${error.message}\n`);
    process.exitCode = 1;
  } else if (!(error instanceof Interrupted)) {
    throw error;
  }
}
