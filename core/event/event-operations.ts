/** What callers can do with events: look at the last ones, follow them. @module */
import { z } from 'zod';
import type { RenderContext } from '../operation/cli-spec.ts';
import { operationError } from '../operation/errors.ts';
import { defineFeed, defineQuery, type QueryContext } from '../operation/operation.ts';
import { formatInstant, paint, table } from '../render/format.ts';
import { type EventView, eventTypes, eventView } from './event.ts';
import type { EventLog } from './event-log.ts';

const filter = {
  kind: z.string().max(64).optional().describe('Only of this kind of object, as vm'),
  object: z.string().max(256).optional().describe('Only of the object of this name or id'),
  type: z.enum(eventTypes).optional().describe('Only of this type'),
};

interface Filter {
  readonly kind?: string | undefined;
  readonly object?: string | undefined;
  readonly type?: EventView['type'] | undefined;
}

const fits =
  ({ kind, object, type }: Filter) =>
  (event: EventView): boolean =>
    (kind === undefined || event.kind === kind) &&
    (object === undefined || event.id === object || event.label === object) &&
    (type === undefined || event.type === type);

/** The log is there only in a daemon; a client that works on the store alone has none. */
export function eventOperations(log: () => EventLog | undefined) {
  const need = (operation: string, { localNode }: QueryContext): EventLog => {
    const found = log();
    if (found === undefined) throw operationError('NEEDS_DAEMON', { operation, node: localNode ?? 'this machine' });
    return found;
  };
  // Hypervisors keep no log: they hear only of what concerns them. The primary tells.
  const on = async ({ view, localNode }: QueryContext): Promise<string | undefined> =>
    log() === undefined && localNode !== undefined ? view.primary() : localNode;
  return [
    defineFeed({
      name: 'event.follow',
      summary: 'Show changes of objects as they happen',
      description:
        'One line for each object that is made, changed or removed, and for each change of its state, until Ctrl-C. In the API each item has an id to resume after; where that is not possible an item of the type resync comes first.',
      http: { method: 'GET', path: '/events' },
      cli: {
        command: 'events',
        options: { kind: { short: 'k' }, object: { short: 'o' }, last: { short: 'n', value: 'COUNT' } },
        render: renderEvent,
        nameField: 'label',
        examples: ['pvc events', 'pvc events --kind vm', 'pvc events -n 20 --object web1'],
      },
      role: 'viewer',
      input: z.strictObject({
        ...filter,
        last: z.int().min(0).max(1000).default(0).describe('First show so many that have happened'),
      }),
      output: eventView,
      on,
      open: (context, input, resumeAfter) =>
        need('event.follow', context).follow(resumeAfter, fits(input), context.signal, input.last),
    }),
    defineQuery({
      name: 'event.list',
      summary: 'List the last changes of objects that this node has seen',
      http: { method: 'GET', path: '/events/recent' },
      cli: {
        command: 'event list',
        aliases: ['ls'],
        options: { kind: { short: 'k' }, object: { short: 'o' }, limit: { short: 'n' } },
        render: renderEvents,
        nameField: 'label',
        examples: ['pvc event list --kind vm', 'pvc event list --object web1 --format json'],
      },
      role: 'viewer',
      input: z.strictObject({
        ...filter,
        limit: z.int().min(1).max(4096).default(50).describe('At most so many, the newest'),
      }),
      output: z.array(eventView),
      on,
      run: async (context, input) => need('event.list', context).list(fits(input), input.limit),
    }),
  ];
}

/** One line. */
function renderEvent(event: EventView, context: RenderContext): string {
  const at = paint(formatInstant(event.atMs), 'dim', context);
  if (event.type === 'resync') return `${at}  ${paint(event.summary, 'yellow', context)}`;
  return `${at}  ${event.kind} ${event.label} ${event.type}${event.summary === '' ? '' : `: ${event.summary}`}`;
}

function renderEvents(events: readonly EventView[], context: RenderContext): string {
  return table(
    ['TIME', 'KIND', { title: 'NAME', keep: true }, 'TYPE', 'SUMMARY'],
    events.map((event) => [formatInstant(event.atMs), event.kind, event.label, event.type, event.summary]),
    context,
  );
}
