/**
 * The API as one function from request to answer: every operation of the registry as a route below
 * `/api/v1`, with authentication, input checks and errors in one place. Listeners are in `listen.ts`.
 * @module
 */
import { type Context, Hono } from 'hono';
import { errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import type { Random } from '../host/host.ts';
import type { Logger } from '../host/log.ts';
import { sortableId } from '../model/ids.ts';
import { operationError } from '../operation/errors.ts';
import type { Executor } from '../operation/execute.ts';
import {
  type Actor,
  type Channel,
  type Download,
  type Feed,
  type Operation,
  roles,
  type Upload,
} from '../operation/operation.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import { apiError } from './api-errors.ts';
import { tokenError } from './authenticate.ts';
import { type Authenticate, type Bindings, strictBindings } from './caller.ts';
import { downloadAnswer, downloadHeaders } from './download-answer.ts';
import { eventStream } from './event-stream.ts';
import { openApiOf } from './openapi.ts';
import { indexPage, pagePolicy } from './page.ts';
import { problemOf, problemResponse, shownError, withHeaders } from './problem.ts';
import { requestInput } from './request-input.ts';
import { apiBase, methodsAt, type Route, routesOf } from './routes.ts';
import { answerUpload } from './upload-answer.ts';

/** Version of the API's routes and answers; it is in their path. */
export const apiVersion = 1;

export interface AppParts {
  readonly executor: Pick<Executor, 'admit' | 'plan' | 'mutate' | 'query' | 'feed' | 'channel' | 'upload' | 'download'>;
  readonly registry: OperationRegistry;
  readonly authenticate: Authenticate;
  /** The page of `/metrics`, in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** What this node tells other nodes of its way to the store. */
  readonly reach?: () => object;
  /** Certificate of the cluster's authority (PEM). */
  readonly authority?: () => Promise<string | undefined>;
  readonly log: Logger;
  /** Of the program. */
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface Environment {
  Bindings: Bindings;
  Variables: { request: string };
}

export type App = Hono<Environment>;
type Ask = Context<Environment>;

const bindingsOf = (context: Ask): Bindings => (context.env?.door === undefined ? strictBindings : context.env);

/** Of every answer: nothing here is to be guessed at, framed, cached or told to others. */
const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

export function createApp(parts: AppParts): App {
  const { registry, log, clock, random, version } = parts;
  const app: App = new Hono<Environment>();
  const routes = routesOf(registry);
  const openApi = JSON.stringify(openApiOf(routes, version));
  const fixed = new Map<string, (context: Ask) => Response | Promise<Response>>([
    [
      '/',
      () =>
        new Response(indexPage(version), {
          headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy },
        }),
    ],
    [`${apiBase}/openapi.json`, () => new Response(openApi, { headers: { 'content-type': 'application/json' } })],
    [apiBase, async (context) => context.json(summary(routes, version, await identify(parts, context)))],
    [
      // Public: a machine that joins compares its fingerprint with the one in its token.
      '/ca.pem',
      async () => {
        const text = await parts.authority?.();
        if (text === undefined) throw apiError('ROUTE_UNKNOWN', { method: 'GET', path: '/ca.pem' });
        return new Response(text, { headers: { 'content-type': 'application/x-pem-file' } });
      },
    ],
    [
      // For whoever holds a certificate of the cluster: who may have one stands in the store, which may be away.
      '/reach',
      (context) => {
        if (parts.reach === undefined || bindingsOf(context).peer === undefined) throw tokenError('PEER_UNKNOWN');
        return context.json(parts.reach());
      },
    ],
    ['/metrics', async (context) => metricsAnswer(parts, await identify(parts, context))],
  ]);

  app.use(async (context, next) => {
    const startMs = clock.monotonicMs();
    const request = sortableId(clock.wallMs(), random.bytes(7));
    context.set('request', request);
    await next();
    const { headers, status } = context.res;
    for (const [name, value] of Object.entries(commonHeaders)) headers.set(name, value);
    headers.set('x-request-id', request);
    if (!headers.has('content-security-policy'))
      headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
    log.debug('request', {
      request,
      method: context.req.method,
      path: context.req.path,
      status,
      remote: bindingsOf(context).remote,
      tookMs: Math.round(clock.monotonicMs() - startMs),
    });
  });
  app.onError((error, context) => {
    const request = context.get('request');
    return problemResponse(shownError(error, request, log), request);
  });
  app.notFound((context) => {
    const { path, method } = context.req;
    const allowed = fixed.has(path) ? ['GET', 'HEAD'] : methodsAt(routes, path);
    const error =
      allowed.length === 0
        ? apiError('ROUTE_UNKNOWN', { method, path })
        : withHeaders(apiError('METHOD_WRONG', { method, path, allowed: allowed.join(', ') }), {
            allow: allowed.join(', '),
          });
    return problemResponse(error, context.get('request'));
  });

  for (const [path, answer] of fixed) {
    app.get(path, (context) => {
      if (bindingsOf(context).accept !== undefined) throw apiError('UPGRADE_UNEXPECTED', { operation: path });
      return answer(context);
    });
  }
  for (const route of routes)
    app.on(route.operation.http.method, route.pattern, (context) => answerOperation(parts, context, route.operation));
  return app;
}

/** Who asks; checked before anything of the request is read. */
function identify(parts: AppParts, context: Ask): Promise<Actor> {
  const { door, remote, peer } = bindingsOf(context);
  return parts.authenticate({
    door,
    remote,
    peer,
    authorization: context.req.header('authorization'),
    onBehalf: context.req.header('pvc-actor'),
  });
}

async function answerOperation(parts: AppParts, context: Ask, operation: Operation): Promise<Response> {
  const { executor } = parts;
  const request = context.req.raw;
  const actor = await identify(parts, context);
  // Before the body is read: who may not do it at all need not send it.
  requireRole(actor, operation);
  const { accept, closing, proceed } = bindingsOf(context);
  if (accept !== undefined && operation.type !== 'channel')
    throw apiError('UPGRADE_UNEXPECTED', { operation: operation.name });
  if (operation.type !== 'upload') proceed?.();
  const { input, plan, after } = await requestInput(operation, request, context.req.param());
  switch (operation.type) {
    case 'mutation': {
      if (plan) return jsonAnswer(200, { plan: await executor.plan(operation, input, actor) });
      const answer = await executor.mutate(operation, input, actor);
      return jsonAnswer(answer.tasks.length > 0 ? 202 : 200, answer);
    }
    case 'query':
      return jsonAnswer(200, await executor.query(operation, input, actor, request.signal));
    case 'feed':
      return answerFeed(parts, context, operation, input, actor, context.req.header('last-event-id') ?? after, closing);
    case 'upload':
      return receiveUpload(parts, context, operation, input, actor);
    case 'download':
      return sendDownload(parts, context, operation, input, actor);
    case 'channel':
      return answerChannel(parts, context, operation, input, actor);
  }
}

function requireRole(actor: Actor, operation: Operation): void {
  if (roles.indexOf(actor.role) >= roles.indexOf(operation.role)) return;
  throw operationError('ROLE_TOO_LOW', {
    operation: operation.name,
    needed: operation.role,
    actor: actor.name,
    role: actor.role,
  });
}

async function answerFeed(
  parts: AppParts,
  context: Ask,
  operation: Feed,
  input: unknown,
  actor: Actor,
  after: string | undefined,
  closing: AbortSignal | undefined,
): Promise<Response> {
  const { executor, clock, log } = parts;
  executor.admit(operation, input, actor);
  if (context.req.method === 'HEAD') return new Response(null, { headers: { 'content-type': 'text/event-stream' } });
  const request = context.get('request');
  return eventStream({
    clock,
    open: (signal) => executor.feed(operation, input, actor, signal, after),
    left: context.req.raw.signal,
    closing,
    cut: bindingsOf(context).cut,
    problem: (error) => problemOf(shownError(error, request, log), request),
  });
}

function receiveUpload(
  parts: AppParts,
  context: Ask,
  operation: Upload,
  input: unknown,
  actor: Actor,
): Promise<Response> {
  const { executor, clock, log } = parts;
  const { closing, cut, stream } = bindingsOf(context);
  const request = context.get('request');
  executor.admit(operation, input, actor);
  if (stream === undefined) throw new Error('this door has no streams');
  return answerUpload({
    request: context.req.raw,
    source: stream(),
    run: (body, options) => executor.upload(operation, input, actor, body, options),
    clock,
    left: context.req.raw.signal,
    closing,
    cut,
    problem: (error) => problemOf(shownError(error, request, log), request),
  });
}

async function sendDownload(
  parts: AppParts,
  context: Ask,
  operation: Download,
  input: unknown,
  actor: Actor,
): Promise<Response> {
  const { executor, clock, log } = parts;
  const { closing, cut } = bindingsOf(context);
  const request = context.get('request');
  executor.admit(operation, input, actor);
  if (context.req.method === 'HEAD') return new Response(null, { headers: downloadHeaders });
  const { signal } = context.req.raw;
  return downloadAnswer({
    clock,
    download: await executor.download(
      operation,
      input,
      actor,
      closing === undefined ? signal : AbortSignal.any([signal, closing]),
    ),
    cut,
    failed: (error) => log.warn(`${operation.name} broke off`, { request, reason: errorText(error) }),
  });
}

async function answerChannel(
  parts: AppParts,
  context: Ask,
  operation: Channel,
  input: unknown,
  actor: Actor,
): Promise<Response> {
  const { accept } = bindingsOf(context);
  if (accept === undefined) {
    throw withHeaders(apiError('UPGRADE_NEEDED', { operation: operation.name }), {
      upgrade: 'websocket',
      connection: 'Upgrade',
    });
  }
  accept(await parts.executor.channel(operation, input, actor, context.req.raw.signal));
  return new Response(null, { status: 204 }); // never sent: the handshake's own answer is
}

/** `undefined` is no JSON; it is told as null. */
function jsonAnswer(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value) ?? 'null', { status, headers: { 'content-type': 'application/json' } });
}

async function metricsAnswer(parts: AppParts, _viewer: Actor): Promise<Response> {
  return new Response(await parts.metrics(), {
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  });
}

function summary(routes: readonly Route[], version: string, actor: Actor): object {
  return {
    version,
    apiVersion,
    actor,
    openapi: `${apiBase}/openapi.json`,
    operations: routes.map(({ operation }) => ({
      name: operation.name,
      type: operation.type,
      method: operation.http.method,
      path: apiBase + operation.http.path,
      role: operation.role,
      summary: operation.summary,
    })),
  };
}
