/**
 * The audit record of an upload or a download. It is written before the first byte passes, so that none does
 * without a record, and completed at the end; a record that was not completed is that of a daemon that died.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { sortableId } from '../model/ids.ts';
import type { Documents, Write } from '../store/documents.ts';
import { storeError } from '../store/store.ts';
import { type AuditSpec, audit, recordableInput } from './audit.ts';
import type { Actor, Download, Upload } from './operation.ts';

export interface RecordParts {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>;
  readonly documents: Documents;
}

export interface StreamRecord {
  /** Its id. */
  readonly request: string;
  /** Adds how it ended. A store that does not take it is logged: what passed has passed. */
  end(line: string): Promise<void>;
}

/** @param line what is about to pass. @throws PvcError STORE_UNAVAILABLE: then nothing may pass */
export async function beginRecord(
  { host, documents }: RecordParts,
  operation: Upload | Download,
  input: Record<string, unknown>,
  actor: Actor,
  line: string,
): Promise<StreamRecord> {
  const nowMs = host.clock.wallMs();
  const request = sortableId(nowMs, host.random.bytes(7));
  const spec: AuditSpec = {
    atMs: nowMs,
    actor: actor.name,
    role: actor.role,
    via: actor.via,
    operation: operation.name,
    input: recordableInput(operation, input),
    changes: [line],
    tasks: [],
  };
  const write = async (change: Write): Promise<void> => {
    const { ops, topics } = documents.commitOf([change]);
    const committed = await documents.store.commit(ops, topics);
    if (committed.outcome === 'ok') return;
    const cause = committed.outcome === 'unknown' ? committed.cause : new Error(`${committed.key} was changed`);
    throw storeError('STORE_UNAVAILABLE', { reason: errorText(cause) }, { cause });
  };
  await write({ do: 'create', kind: audit, id: request, spec });
  return {
    request,
    async end(last) {
      host.log.info(`${operation.name} by ${actor.name}: ${last}`, { request });
      const ended = { ...spec, changes: [line, last] };
      try {
        const before = await documents.get(audit, request);
        await write(
          before === undefined
            ? { do: 'create', kind: audit, id: request, spec: ended }
            : { do: 'spec', kind: audit, before, spec: ended },
        );
      } catch (error) {
        host.log.warn(`the audit record of ${operation.name} could not be completed`, {
          request,
          reason: errorText(error),
        });
      }
    },
  };
}
