/**
 * The BMC of each node: ipmi_sim, a real IPMI 2.0 responder, in a network namespace of its own on the `bmc` network. It
 * lives on when the node is dead, and its chassis power is the node's power in the lab.
 * @module
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { becomesTrue } from './becomes-true.ts';
import { connectBmc } from './links.ts';
import { stateDirectory } from './paths.ts';
import { isAlive, startTicks } from './process-identity.ts';
import { repository } from './repository.ts';
import { startDetached } from './run.ts';
import type { LabRecord } from './state.ts';
import { bmcName, bmcOf, LabError, type NodePlan, namespaceName, type Topology } from './topology.ts';

/** IPMI's management controller address of a BMC (IPMI 2.0, section 5.4), and the sizes of its event log. */
const emulation = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`;

/** ipmi_lan(5): where it listens, who may log in, and what carries out power commands. */
function lanConfiguration(node: NodePlan, chassis: readonly string[]): string {
  const { address, user, password } = bmcOf(node);
  const methods = 'none md5';
  return `name "${bmcName(node)}"
set_working_mc 0x20
startlan 1
  addr ${address} 623
  priv_limit admin
  allowed_auths_callback ${methods}
  allowed_auths_user ${methods}
  allowed_auths_operator ${methods}
  allowed_auths_admin ${methods}
  guid ${node.number.toString(16).padStart(32, '0')}
endlan
chassis_control "${chassis.join(' ')}"
user 1 true "" "" user 10 none
user 2 true "${user}" "${password}" admin 10 ${methods}
`;
}

/** Plugs the BMC of a node in and starts it. @throws LabError, CommandFailed */
export const startBmc = ({ topology }: LabRecord, node: NodePlan, signal?: AbortSignal): Promise<void> =>
  plugBmc(
    topology,
    node,
    [process.execPath, join(repository, 'test/lab/bmc-power.ts'), topology.name, node.name],
    signal,
  );

/**
 * The same for any server beside the lab.
 * @param chassis command whose further words are what is asked of the power (ipmi_lan(5), chassis_control)
 */
export async function plugBmc(
  topology: Topology,
  node: NodePlan,
  chassis: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const lab = topology.name;
  const directory = join(stateDirectory(lab), bmcName(node));
  await mkdir(join(directory, 'state'), { recursive: true });
  // It holds the password: for root alone.
  await writeFile(join(directory, 'lan.conf'), lanConfiguration(node, chassis), { mode: 0o600 });
  await writeFile(join(directory, 'bmc.emu'), emulation);
  await connectBmc(topology, node, signal);
  const pid = await startDetached(
    [
      ...['ip', 'netns', 'exec', namespaceName(lab, bmcName(node))],
      ...['ipmi_sim', '-n', '-c', join(directory, 'lan.conf'), '-f', join(directory, 'bmc.emu')],
      ...['-s', join(directory, 'state')],
    ],
    join(directory, 'log'),
  );
  const ticks = await startTicks(pid);
  // A mistake in its files ends it at once.
  const ended = await becomesTrue(
    async () => ticks === undefined || !(await isAlive({ pid, startTicks: ticks })),
    300,
    signal,
  );
  if (ended) throw new LabError(`the BMC of ${node.name} did not start; see ${join(directory, 'log')}`);
}

/** While it is there, the BMC obeys every command about power without doing anything, and says that the node is on. */
export const lieFile = (lab: string, node: NodePlan): string => join(stateDirectory(lab), bmcName(node), 'lies');

/** Lets the BMC of a node lie about its power, as one with broken wires does, or tell the truth again. */
export async function makeBmcLie({ topology }: LabRecord, node: NodePlan, lies: boolean): Promise<void> {
  const file = lieFile(topology.name, node);
  if (lies) await writeFile(file, '');
  else await rm(file, { force: true });
}
