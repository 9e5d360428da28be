import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultBook, FaultReport } from '../fault/fault-book.ts';
import type { HealthCheck, HealthFinding } from '../health/health-check.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { HealthRunner } from './health-runner.ts';

/** One check each second, which has three for an answer. */
function setUp(run: (signal: AbortSignal) => Promise<HealthFinding | undefined>) {
  const host = createVirtualHost();
  const open = new Map<string, FaultReport>();
  const faults = {
    raise: (id: string, report: FaultReport) => void open.set(id, report),
    clear: (id: string) => void open.delete(id),
  } as unknown as FaultBook;
  const check: HealthCheck = { name: 'pulse', summary: 'beats', intervalMs: 1_000, timeoutMs: 3_000, run };
  const daemon = new AbortController();
  const runs = new HealthRunner(host, faults, 'hv1').run(check, daemon.signal);
  return { host, open, daemon, runs };
}

describe('a health check', () => {
  it('has its finding told until it finds nothing', async () => {
    let finding: HealthFinding | undefined = { severity: 'warning', message: 'slow', hint: 'wait' };
    const { host, open, daemon, runs } = setUp(async () => finding);
    await host.clock.advance(500);
    assert.equal(open.get('health.pulse:hv1')?.message, 'slow');
    finding = undefined;
    await host.clock.advance(1_000);
    assert.equal(open.size, 0);
    daemon.abort();
    await runs;
  });

  it('is told to end when it is late, and not when it has answered', async () => {
    const signals: AbortSignal[] = [];
    const { host, open, daemon, runs } = setUp((signal) => {
      signals.push(signal);
      return signals.length === 1 ? new Promise(() => {}) : Promise.resolve(undefined);
    });
    await host.clock.advance(2_900);
    assert.deepEqual([signals.length, signals[0]?.aborted, open.size], [1, false, 0]);
    await host.clock.advance(200);
    assert.equal(signals[0]?.aborted, true);
    assert.match(open.get('health.pulse:hv1')?.message ?? '', /gave no answer within 3 s/);
    await host.clock.advance(2_000);
    assert.ok(signals.length > 1 && signals.slice(1).every(({ aborted }) => !aborted));
    assert.equal(open.size, 0);
    daemon.abort();
    await runs;
  });

  it('is told to end with the daemon', async () => {
    const signals: AbortSignal[] = [];
    const { host, daemon } = setUp((signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    await host.clock.advance(100);
    daemon.abort(new Error('the daemon stops'));
    assert.equal(signals[0]?.aborted, true);
  });
});
