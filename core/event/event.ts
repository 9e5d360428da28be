/** An event: one change of one object, as people and scripts see it. @module */
import { z } from 'zod';

export const eventTypes = ['created', 'changed', 'removed', 'status', 'resync'] as const;

export const eventView = z.object({
  seq: z.int().describe('Counts up on this node'),
  atMs: z.int().describe('When this node saw it, in milliseconds since 1970'),
  kind: z.string().describe('Kind of the object, as vm'),
  id: z.string().describe('Id of the object'),
  label: z.string().describe('Name of the object'),
  type: z.enum(eventTypes).describe('resync: events may be missing here; look at the objects again'),
  summary: z.string().describe('What changed, for people'),
});
export type EventView = z.infer<typeof eventView>;

/** An event before the log gave it its number. */
export type NewEvent = Omit<EventView, 'seq' | 'atMs'>;

/** An event that says that others may be missing. */
export const resyncEvent = (summary: string): NewEvent => ({ kind: '', id: '', label: '', type: 'resync', summary });
