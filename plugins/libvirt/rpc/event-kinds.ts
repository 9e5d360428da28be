/**
 * The kinds of domain event: the number to register for, the procedure that carries it, its layout, and
 * how it reads in PVC. Facts: virDomainEventID in libvirt-domain.h; message layouts of libvirt 9.0's remote protocol.
 * @module
 */
import { type Codec, decode, hyper, int, struct, uhyper } from './codec.ts';
import {
  ioErrorActions,
  jobOperations,
  type LifecycleEvent,
  lifecycleDetails,
  lifecycleEvents,
  nameOf,
  watchdogActions,
} from './names.ts';
import { domain, limits, optionalText, plainValues, text, typedParams, type WireDomain } from './wire.ts';

interface EventDomain {
  readonly uuid: string;
  readonly name: string;
  /** libvirt's number of the running domain, -1 when it does not run. */
  readonly id: number;
}

type Happening =
  | { readonly kind: 'lifecycle'; readonly event: LifecycleEvent | `${number}`; readonly detail: string }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'rtc-change'; readonly offsetS: number }
  | { readonly kind: 'watchdog'; readonly action: string }
  | {
      readonly kind: 'io-error';
      readonly path: string;
      readonly alias: string;
      readonly action: string;
      readonly reason: string;
    }
  | { readonly kind: 'control-error' }
  | { readonly kind: 'balloon-change'; readonly actualKiB: number }
  | { readonly kind: 'device-removed'; readonly alias: string }
  | { readonly kind: 'device-added'; readonly alias: string }
  | { readonly kind: 'device-removal-failed'; readonly alias: string }
  | {
      readonly kind: 'agent-lifecycle';
      readonly state: 'connected' | 'disconnected' | `${number}`;
      readonly reason: string;
    }
  | { readonly kind: 'migration-iteration'; readonly iteration: number }
  | {
      readonly kind: 'job-completed';
      readonly operation: string;
      readonly values: Readonly<Record<string, number | string | boolean>>;
    }
  | {
      readonly kind: 'block-threshold';
      readonly device: string;
      readonly path: string | undefined;
      readonly threshold: number;
      readonly excess: number;
    };

/** Something that happened to one domain. */
export type DomainEvent = Happening & { readonly domain: EventDomain };
export type DomainEventKind = DomainEvent['kind'];

export interface EventKind {
  /** virDomainEventID, sent when registering. */
  readonly id: number;
  /** Procedure number of the messages that carry it. */
  readonly procedure: number;
  /** @throws XdrError */
  readonly read: (payload: Uint8Array) => DomainEvent;
}

interface Message {
  readonly callbackId: number;
  readonly domain: WireDomain;
}

const kind = <M extends Message>(
  id: number,
  procedure: number,
  layout: Codec<M>,
  happening: (message: M) => Happening,
): EventKind => ({
  id,
  procedure,
  read: (payload) => {
    const message = decode(layout, payload);
    const { uuid, name, id: domainId } = message.domain;
    return { ...happening(message), domain: { uuid, name, id: domainId } };
  },
});

const bare = { callbackId: int, domain };
const withAlias = struct({ ...bare, alias: text });
const agentStates = ['0', 'connected', 'disconnected'] as const;
const agentReasons: readonly string[] = ['unknown', 'domain-started', 'channel'];

const lifecycle = (message: { event: number; detail: number }): Happening => {
  const event = nameOf(lifecycleEvents, message.event);
  const details = lifecycleDetails[event as LifecycleEvent] ?? [];
  return { kind: 'lifecycle', event, detail: nameOf(details, message.detail) };
};

/** Every kind by its name here. */
export const eventKinds: Readonly<Record<DomainEventKind, EventKind>> = {
  lifecycle: kind(0, 318, struct({ ...bare, event: int, detail: int }), lifecycle),
  reboot: kind(1, 319, struct(bare), () => ({ kind: 'reboot' })),
  'rtc-change': kind(2, 320, struct({ ...bare, offsetS: hyper }), (m) => ({
    kind: 'rtc-change',
    offsetS: Number(m.offsetS),
  })),
  watchdog: kind(3, 321, struct({ ...bare, action: int }), (m) => ({
    kind: 'watchdog',
    action: nameOf(watchdogActions, m.action),
  })),
  'io-error': kind(6, 324, struct({ ...bare, path: text, alias: text, action: int, reason: text }), (m) => ({
    kind: 'io-error',
    path: m.path,
    alias: m.alias,
    action: nameOf(ioErrorActions, m.action),
    reason: m.reason,
  })),
  'control-error': kind(7, 325, struct(bare), () => ({ kind: 'control-error' })),
  'balloon-change': kind(13, 331, struct({ ...bare, actual: uhyper }), (m) => ({
    kind: 'balloon-change',
    actualKiB: Number(m.actual),
  })),
  'device-removed': kind(15, 333, withAlias, (m) => ({ kind: 'device-removed', alias: m.alias })),
  'agent-lifecycle': kind(18, 348, struct({ ...bare, state: int, reason: int }), (m) => ({
    kind: 'agent-lifecycle',
    state: nameOf(agentStates, m.state) as 'connected',
    reason: nameOf(agentReasons, m.reason),
  })),
  'device-added': kind(19, 354, withAlias, (m) => ({ kind: 'device-added', alias: m.alias })),
  'migration-iteration': kind(20, 359, struct({ ...bare, iteration: int }), (m) => ({
    kind: 'migration-iteration',
    iteration: m.iteration,
  })),
  'job-completed': kind(21, 363, struct({ ...bare, params: typedParams(limits.jobStats) }), (m) => {
    const values = plainValues(m.params);
    return { kind: 'job-completed', operation: nameOf(jobOperations, Number(values['operation'] ?? 0)), values };
  }),
  'device-removal-failed': kind(22, 367, withAlias, (m) => ({ kind: 'device-removal-failed', alias: m.alias })),
  'block-threshold': kind(
    24,
    385,
    struct({ ...bare, device: text, path: optionalText, threshold: uhyper, excess: uhyper }),
    (m) => ({
      kind: 'block-threshold',
      device: m.device,
      path: m.path,
      threshold: Number(m.threshold),
      excess: Number(m.excess),
    }),
  ),
};
