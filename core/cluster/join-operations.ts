/** How a machine becomes a node: a token for it, its entry into the cluster, what it needs to be a member. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { cluster, clusterId } from '../model/cluster-kind.ts';
import { modelError } from '../model/kind.ts';
import { nodeName } from '../model/names.ts';
import { node, nodeSpec } from '../model/node-kind.ts';
import { firstShapes, tooNew } from '../model/shapes.ts';
import { defineMutation, defineQuery, type PlanContext, type QueryContext } from '../operation/operation.ts';
import { requestKey, signRequest } from './certificate.ts';
import { joinTokenText } from './join-token.ts';
import { ensembleServer } from './membership.ts';
import { inNetwork } from './own-address.ts';
import { makeToken } from './token.ts';
import { token } from './token-kind.ts';

export const joinError = defineErrors({
  CLUSTER_CANNOT_GROW: {
    message: 'This cluster cannot take another node: {reason}',
    hint: 'A cluster of several nodes has its state in ZooKeeper: see docs/cluster.md.',
    http: 409,
    exit: 'refused',
  },
  JOIN_REFUSED: {
    message: '{node} cannot join: {reason}',
    hint: 'Nothing was changed. Make a new token on a node of the cluster with `pvc node token`.',
    http: 403,
    exit: 'refused',
  },
  JOIN_AGAIN: {
    message: 'Only a hypervisor whose name is given can join again.',
    hint: 'Give its name with --node. A coordinator is removed first, `pvc node remove`, and joins as a new one.',
    http: 422,
    exit: 'usage',
  },
  NOT_A_COORDINATOR: {
    message: 'Node {node} holds no key of the cluster’s authority.',
    hint: 'Ask a coordinator: `pvc node list` shows which nodes are.',
    http: 409,
    exit: 'refused',
  },
});

/** What only the daemon of a coordinator has. */
export interface JoinParts {
  readonly port: number;
  /** The cluster's authority with its key; undefined on a hypervisor. */
  readonly authority: () => Promise<{ cert: string; key: string } | undefined>;
  readonly secret: () => Promise<string | undefined>;
  /** The servers of the ensemble as they are now. */
  readonly servers: () => Promise<readonly z.infer<typeof ensembleServer>[]>;
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The text of a token that a plan made, until its answer is revealed: it is held by nothing else. */
const texts = new WeakMap<PlanContext, string>();

export const joinedNode = z.object({
  node: z.string(),
  role: nodeSpec.shape.role,
  address: z.string(),
  server: z.int().nullable().describe('number of its ZooKeeper server'),
});

export const credentials = z.object({
  cluster: z.string(),
  certificate: z.string(),
  authority: z.string(),
  authorityKey: z.string().nullable().describe('coordinators only'),
  secret: z.string(),
  servers: z.array(ensembleServer),
});

/** The token that the caller has shown. */
const ownToken = async ({ view, actor }: Pick<QueryContext, 'view' | 'actor'>, name: string) => {
  const found = await view.find(token, 'name', actor.name);
  if (found?.spec.join === undefined) throw joinError('JOIN_REFUSED', { node: name, reason: 'this is no join token' });
  return { found, join: found.spec.join };
};

export function joinOperations(parts: JoinParts) {
  return [
    defineMutation({
      name: 'node.token',
      summary: 'Make a token by which one new machine can join the cluster',
      description:
        'The token is shown once. It lets in one machine, within its time; `pvc token list` shows it and `pvc token remove` takes it back.',
      http: { method: 'POST', path: '/nodes/tokens' },
      cli: {
        command: 'node token',
        options: { role: { complete: ['coordinator', 'hypervisor'] }, expires: { value: 'SPAN' } },
        examples: ['pvc node token --role hypervisor', 'pvc node token --role coordinator --node hv4 --expires 2h'],
        nameField: 'token',
        render: (answer: { readonly token: string | null }) =>
          answer.token === null ? '' : `On the new machine:\n\n  pvc node join ${answer.token}\n`,
      },
      role: 'admin',
      input: z.strictObject({
        role: nodeSpec.shape.role.default('hypervisor').describe('what the machine becomes'),
        node: nodeName.optional().describe('only a machine of this name may use it'),
        again: z
          .boolean()
          .default(false)
          .describe('also when it is a node already whose daemon does not run: for a machine that has lost its disk'),
        expires: z
          .string()
          .regex(/^[1-9]\d{0,3}[mhd]$/, 'a span as 30m, 12h or 2d')
          .default('1h')
          .describe('for how long it is valid, as 30m, 12h or 2d'),
      }),
      output: z.object({
        id: z.string(),
        role: nodeSpec.shape.role,
        expiresMs: z.int(),
        token: z.string().nullable().describe('the token itself; null in a plan'),
      }),
      async plan(plan, context, input) {
        const { view, nowMs, actor } = context;
        const { spec } = await view.need(cluster, clusterId);
        const coordinators = (await view.list(node)).filter((one) => one.spec.role === 'coordinator');
        const addresses = coordinators.flatMap((one) => one.spec.address ?? []);
        if (spec.networks?.cluster === undefined || addresses.length === 0)
          throw joinError('CLUSTER_CANNOT_GROW', { reason: 'it was made for one node, without a cluster network.' });
        const known = input.node === undefined ? undefined : await view.get(node, input.node);
        if (input.again && (input.node === undefined || input.role !== 'hypervisor')) throw joinError('JOIN_AGAIN', {});
        if (known !== undefined && !input.again)
          throw modelError('OBJECT_EXISTS', { kind: 'node', field: 'name', value: input.node, owner: '' });
        const expiresMs =
          nowMs + Number(input.expires.slice(0, -1)) * unitMs[input.expires.slice(-1) as 'm' | 'h' | 'd'];
        const made = makeToken((length) => context.bytes(length), {
          name: 'join',
          role: 'join',
          nowMs,
          createdBy: actor.name,
          expiresMs,
        });
        plan.create(token, made.id, {
          ...made.spec,
          name: `join-${made.id}`,
          join: {
            role: input.role,
            ...(input.node === undefined ? {} : { node: input.node }),
            ...(input.again ? { again: true } : {}),
          },
        });
        plan.act(`let one machine join as ${input.role} until ${new Date(expiresMs).toISOString()}`);
        const { fingerprint } = await import('./certificate.ts');
        texts.set(
          context,
          joinTokenText({
            urls: addresses.map((one) => `https://${one.includes(':') ? `[${one}]` : one}:${parts.port}`),
            ca: fingerprint(spec.authority ?? ''),
            token: made.text,
          }),
        );
        return { id: made.id, role: input.role, expiresMs, token: null };
      },
      reveal: (context, _input, answer) => ({ ...answer, token: texts.get(context) ?? null }),
    }),
    defineMutation({
      name: 'node.join',
      summary: 'Enter a machine into the cluster (asked by `pvc node join`)',
      http: { method: 'POST', path: '/nodes/join' },
      role: 'join',
      input: z.strictObject({
        node: nodeName,
        address: z.union([z.ipv4(), z.ipv6()]).describe('its own address on the cluster network'),
        request: z.string().max(8192).describe('request to certify its key (PKCS #10, PEM)'),
        shapes: z.record(z.string().max(64), z.int().min(1)).optional().describe('documents that it understands'),
      }),
      output: joinedNode,
      async plan(plan, context, input) {
        const { view, nowMs } = context;
        const { found, join } = await ownToken(context, input.node);
        const refuse = (reason: string) => joinError('JOIN_REFUSED', { node: input.node, reason });
        const key = await requestKey(input.request);
        if (key === undefined) throw refuse('its certificate request is not valid');
        const known = await view.get(node, input.node);
        if (join.used !== undefined) {
          // The same machine, whose first try was cut off, may go on.
          if (join.used.key === key && join.used.node === input.node && known?.spec.address === input.address)
            return answer(input.node, known.spec);
          throw refuse(`the token has been used already, by ${join.used.node}`);
        }
        if (join.node !== undefined && join.node !== input.node) throw refuse(`the token is for ${join.node}`);
        if (known !== undefined && join.again !== true) throw refuse('there is a node of that name');
        const made = await view.need(cluster, clusterId);
        const { spec } = made;
        const unknown = tooNew(input.shapes ?? firstShapes(spec.shapes), spec.shapes);
        if (unknown.length > 0)
          throw refuse(`its PVC is too old for what the cluster writes by now: ${unknown.join(', ')}`);
        // Always written: whoever raises the shapes of documents at this moment has not asked the newcomer.
        plan.update(cluster, made, spec);
        const used = { ...found.spec, join: { ...join, used: { node: input.node, key, atMs: nowMs } } };
        plan.update(token, found, used);
        if (known !== undefined) {
          const reason = notAgain(known.spec, input.address, (await view.alive()).has(input.node));
          if (reason !== undefined) throw refuse(reason);
          plan.unchanged(node, known);
          plan.act(`${input.node} joins again`);
          return answer(input.node, known.spec);
        }
        const nodes = await view.list(node);
        const network = spec.networks?.cluster;
        if (network === undefined) throw joinError('CLUSTER_CANNOT_GROW', { reason: 'it has no cluster network.' });
        if (!inNetwork(network.cidr, input.address)) throw refuse(`${input.address} is not in ${network.cidr}`);
        if (network.floating === input.address) throw refuse(`${input.address} is the floating address`);
        const neighbour = nodes.find((one) => one.spec.address === input.address);
        if (neighbour !== undefined) throw refuse(`${input.address} is the address of ${neighbour.id}`);
        const server =
          join.role === 'coordinator'
            ? 1 + Math.max(spec.lastServer ?? 0, ...nodes.map((one) => one.spec.server ?? 0))
            : undefined;
        const joining = {
          role: join.role,
          domainState: 'ready' as const,
          address: input.address,
          ...(server === undefined ? {} : { server }),
        };
        plan.create(node, input.node, joining);
        if (server !== undefined) plan.update(cluster, made, { ...spec, lastServer: server });
        plan.act(`${input.node} joins as ${join.role}`);
        return answer(input.node, joining);
      },
    }),
    defineQuery({
      name: 'node.credentials',
      summary: 'Give a machine that has joined what makes it a member (asked by `pvc node join`)',
      http: { method: 'POST', path: '/nodes/credentials' },
      role: 'join',
      input: z.strictObject({
        request: z.string().max(8192),
        addresses: z.array(z.union([z.ipv4(), z.ipv6()])).max(64),
      }),
      output: credentials,
      async run(context, input) {
        const { view, nowMs, localNode = 'this one' } = context;
        const { join } = await ownToken(context, 'this machine');
        const key = await requestKey(input.request);
        if (join.used === undefined || join.used.key !== key)
          throw joinError('JOIN_REFUSED', {
            node: join.used?.node ?? 'this machine',
            reason: 'the token is another’s',
          });
        const doc = await view.need(node, join.used.node);
        const { spec } = await view.need(cluster, clusterId);
        const authority = await parts.authority();
        const secret = await parts.secret();
        if (authority === undefined || secret === undefined) throw joinError('NOT_A_COORDINATOR', { node: localNode });
        const certificate = await signRequest(authority, input.request, {
          name: doc.id,
          addresses: [...new Set([doc.spec.address ?? [], input.addresses].flat())],
          dnsNames: ['localhost'],
          nowMs,
        });
        return {
          cluster: spec.name,
          certificate,
          authority: authority.cert,
          authorityKey: join.role === 'coordinator' ? authority.key : null,
          secret,
          servers: [...(await parts.servers())],
        };
      },
    }),
  ];
}

/** Why a machine cannot be a node that there is; undefined: it can, having lost all that it knew. */
function notAgain(known: z.infer<typeof nodeSpec>, address: string, alive: boolean): string | undefined {
  if (known.role !== 'hypervisor') return 'the node of that name is a coordinator';
  if (known.address !== address)
    return `the node of that name has the address ${known.address ?? '(none)'}, not ${address}`;
  return alive ? 'the daemon of the node of that name runs' : undefined;
}

const answer = (name: string, spec: z.infer<typeof nodeSpec>): z.infer<typeof joinedNode> => ({
  node: name,
  role: spec.role,
  address: spec.address ?? '',
  server: spec.server ?? null,
});
