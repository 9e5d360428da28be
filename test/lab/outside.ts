/**
 * The world outside the cluster: a router on the upstream network that gives DHCP to whatever is
 * plugged in there.
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { becomesTrue } from './becomes-true.ts';
import { stateDirectory } from './paths.ts';
import { run, startDetached } from './run.ts';
import { dhcpRange, namespaceName, outsideAddress } from './topology.ts';

/** dnsmasq(8) options, all of them: it must not read the machine's own files. */
function dnsmasqConfiguration(directory: string): string {
  return [
    'port=0',
    'keep-in-foreground',
    'user=root',
    'interface=upstream',
    'bind-interfaces',
    `pid-file=${join(directory, 'dnsmasq.pid')}`,
    `dhcp-leasefile=${join(directory, 'leases')}`,
    `dhcp-range=${dhcpRange.from},${dhcpRange.to},1h`,
    `dhcp-option=option:router,${outsideAddress}`,
    // Nobody else gives addresses here: answer at once, without looking whether the address is taken.
    'dhcp-authoritative',
    'no-ping',
    'log-dhcp',
    'log-facility=-',
    '',
  ].join('\n');
}

/** Starts the router of the lab. @throws CommandFailed */
export async function startOutside(lab: string, signal?: AbortSignal): Promise<void> {
  const directory = join(stateDirectory(lab), 'outside');
  const inside = ['ip', 'netns', 'exec', namespaceName(lab, 'outside')];
  await mkdir(directory, { recursive: true });
  await run([...inside, 'tee', '/proc/sys/net/ipv4/ip_forward'], { input: '1', signal });
  const configuration = join(directory, 'dnsmasq.conf');
  await writeFile(configuration, dnsmasqConfiguration(directory));
  const log = join(directory, 'dnsmasq.log');
  await startDetached([...inside, 'dnsmasq', `--conf-file=${configuration}`], log);
  // dnsmasq writes its pid once it serves.
  const isUp = await becomesTrue(() => existsSync(join(directory, 'dnsmasq.pid')), 5_000, signal);
  if (!isUp) throw new Error(`the lab's dnsmasq did not start:\n${await readFile(log, 'utf8')}`);
}
