/** What Ceph and its disks say of themselves, for the report of a test that waited in vain. @module */
import { execOn } from '../lab/exec.ts';
import type { LabRecord } from '../lab/state.ts';

/** Ends by itself: a cluster that answers nobody is what this is for. */
const askingS = 15;

const cluster = [
  'ceph -s',
  'ceph health detail',
  "ceph osd dump | grep -E '^(epoch|flags|osd|blocklist|range_blocklist)'",
  'ceph pg dump pgs_brief',
] as const;

/** `booting` while the map says `up` is a disk that Ceph has not let in. */
const ofDisks = `for one in /run/ceph/ceph-osd.*.asok; do
  echo "$one"
  timeout ${askingS} ceph daemon "$one" status
  timeout ${askingS} ceph daemon "$one" dump_ops_in_flight | head -n 40
done 2>&1`;

const ofMonitor = `timeout ${askingS} ceph daemon mon.$(hostname) mon_status 2>&1 | grep -E '"(state|election_epoch|quorum)"'`;

/** Empty where there is no storage. Never throws: it is added to what went wrong first. */
export async function storageEvidence(record: LabRecord): Promise<string> {
  const nodes = record.topology.nodes.map(({ name }) => name);
  const told = async (node: string, what: string, script: string): Promise<string> => {
    try {
      const { stdout, stderr, code } = await execOn(record, node, ['sh', '-c', script], { accept: 'any' });
      return `--- ${what}${code === 0 ? '' : ` (exit ${code})`}\n${stdout}${stderr}`;
    } catch (error) {
      return `--- ${what}: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const has = async (node: string): Promise<boolean> => {
    try {
      return (await execOn(record, node, ['test', '-e', '/etc/ceph/ceph.conf'], { accept: 'any' })).code === 0;
    } catch {
      // It is off.
      return false;
    }
  };
  const having = (await Promise.all(nodes.map(async (node) => ((await has(node)) ? [node] : [])))).flat();
  const [first] = having;
  if (first === undefined) return '';
  const parts = [
    ...cluster.map((line) => told(first, `${line}, on ${first}`, `timeout ${askingS} ${line}`)),
    ...having.map((node) => told(node, `monitor and disks of ${node}`, `${ofMonitor}; ${ofDisks}`)),
  ];
  return (await Promise.all(parts)).join('\n');
}
