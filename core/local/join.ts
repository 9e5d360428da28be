/**
 * Makes this machine a node of a cluster. Each step may be done again: a join that was cut off goes on when the
 * command is given once more. `membership.json` is written last; with it the machine is a member.
 * @module
 */

import type { z } from 'zod';
import { createClient } from '../client/client.ts';
import { fetchAuthority } from '../client/fetch-authority.ts';
import { makeRequest } from '../cluster/certificate.ts';
import { runningDaemon } from '../cluster/daemon-record.ts';
import { addServer } from '../cluster/ensemble/change.ts';
import { installServer, serverControl, serverService, startServer } from '../cluster/ensemble/server.ts';
import { ports } from '../cluster/ensemble/zoo-cfg.ts';
import { type credentials, joinError } from '../cluster/join-operations.ts';
import { type JoinToken, parseJoinToken } from '../cluster/join-token.ts';
import { type EnsembleServer, readMembership, writeMembership, writeSecret } from '../cluster/membership.ts';
import { sqlitePath } from '../cluster/open-store.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import { localNodeName } from '../daemon/identity.ts';
import { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import type { Host } from '../host/host.ts';
import { machineAddresses } from '../host/machine-addresses.ts';
import { systemdRuns } from '../host/process.ts';
import { clusterError } from '../model/cluster-kind.ts';
import { shapesOf } from '../model/shapes.ts';
import type { Program } from '../program.ts';

export interface Joined {
  readonly cluster: string;
  readonly node: string;
  readonly role: 'coordinator' | 'hypervisor';
  readonly address: string;
}

const firstAnswerMs = 5_000;

/** @throws PvcError JOIN_TOKEN_INVALID, JOIN_REFUSED, CLUSTER_EXISTS, DAEMON_RUNNING, API_UNREACHABLE … */
export async function joinCluster(
  host: Host,
  program: Program,
  request: { readonly token: string; readonly address?: string | undefined },
  signal: AbortSignal,
): Promise<Joined> {
  const { config } = program.loaded;
  const { state } = config.directories;
  const token = parseJoinToken(request.token);
  const pid = await runningDaemon(host, config.directories.run);
  if (pid !== undefined) throw clusterError('DAEMON_RUNNING', { pid });
  const known = await readMembership(host, state);
  if (known !== undefined) throw clusterError('CLUSTER_EXISTS', { name: known.cluster, path: state });
  const embedded = sqlitePath(config);
  if ((await host.files.stat(embedded)) !== undefined)
    throw clusterError('CLUSTER_EXISTS', { name: 'on the embedded store', path: embedded });
  const name = await localNodeName(host, config);

  // The key of an earlier try is this machine's proof that the token is its own.
  const tls = tlsFiles(config);
  const made = await makeRequest(name, await host.files.readText(tls.key));
  await host.files.makeDirectory(tls.directory, 0o700);
  await host.files.writeAtomic(tls.key, made.key, 0o600);

  const { url, authority } = await reach(host.clock, token, signal);
  const client = createClient({ url, token: token.token, caPem: authority }, program.registry);
  try {
    const address = request.address ?? (await addressTowards(host, url));
    const entry = { node: name, address, request: made.request, shapes: shapesOf(program.kinds) };
    const { result: joined } = await client.call('node.join', entry).catch((error: unknown) => {
      // Which of these it is the API tells nobody who shows a wrong token.
      const reason = 'its token is not valid: mistyped, removed or expired';
      if (error instanceof PvcError && error.code === 'TOKEN_REFUSED')
        throw joinError('JOIN_REFUSED', { node: name, reason });
      throw error;
    });
    const member = await client.call('node.credentials', { request: made.request, addresses: machineAddresses() });

    await host.files.writeAtomic(tls.ca, member.authority, 0o644);
    await host.files.writeAtomic(tls.certificate, member.certificate, 0o644);
    if (member.authorityKey !== null) await host.files.writeAtomic(tls.caKey, member.authorityKey, 0o600);
    await writeSecret(host, state, member.secret);
    const servers =
      joined.server === null
        ? member.servers
        : await startOwnServer(host, program, member, {
            id: joined.server,
            node: name,
            address,
            clientPort: ports.client,
          });
    await writeMembership(host, state, { backend: 'zookeeper', cluster: member.cluster, servers: [...servers] });
    return { cluster: member.cluster, node: name, role: joined.role, address };
  } finally {
    client.close();
  }
}

/** The first coordinator that answers, and the cluster's authority as it shows it. */
async function reach(clock: Clock, token: JoinToken, signal: AbortSignal): Promise<{ url: string; authority: string }> {
  let last: unknown;
  for (const url of token.urls) {
    const late = new AbortController();
    const cancel = clock.after(firstAnswerMs, () => late.abort(new Error('no answer in time')));
    try {
      return { url, authority: await fetchAuthority(url, token.ca, AbortSignal.any([signal, late.signal])) };
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    } finally {
      cancel();
    }
  }
  throw last;
}

/** The address by which this machine speaks to a coordinator: its own on the cluster network. */
async function addressTowards(host: Pick<Host, 'processes'>, url: string): Promise<string> {
  const target = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const { stdout, stderr } = await host.processes.exec(['ip', '-j', 'route', 'get', target], { timeoutMs: 5_000 });
  const [route] = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { prefsrc?: string }[]);
  if (route?.prefsrc === undefined) throw new Error(`there is no way to ${target}: ${stderr.trim()}`);
  return route.prefsrc;
}

/** Starts this coordinator's server and has it taken into the ensemble. @returns all servers */
async function startOwnServer(
  host: Host,
  program: Program,
  member: z.infer<typeof credentials>,
  server: EnsembleServer,
): Promise<EnsembleServer[]> {
  const { config } = program.loaded;
  const { state, log } = config.directories;
  const others = member.servers.filter((one) => one.id !== server.id);
  const servers = [...others, server];
  await installServer(host, { id: server.id, state, log, servers, secret: member.secret });
  const definition = serverService(host, state, server);
  const control = await serverControl(host, config, definition, systemdRuns());
  if ((await control.running()) === undefined) await control.start();
  await addServer(host, { servers: others, secret: member.secret }, server);
  await startServer(host, control, server, 60_000);
  return servers;
}
