/** `/metrics`: what plugins and core measure, in Prometheus' text format, read when it is asked. @module */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import type { Logger } from '../host/log.ts';
import { within } from '../host/within.ts';
import type { MetricDefinition, MetricSample } from '../metric/metric.ts';

/** A metric that takes longer is left out of this page. */
const collectTimeoutMs = 3_000;

async function collected(definition: MetricDefinition, clock: Clock): Promise<readonly MetricSample[]> {
  const late = (): Error => new Error(`not read within ${collectTimeoutMs / 1000} s`);
  return within(
    clock,
    collectTimeoutMs,
    Promise.resolve().then(() => definition.collect()),
    late,
  );
}

class Unread {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/** Returns the function that renders the page. A metric that cannot be read is left out and counted. */
export function createMetricsPage(
  definitions: readonly MetricDefinition[],
  node: string,
  clock: Clock,
  log: Logger,
): () => Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ node });
  collectDefaultMetrics({ register: registry, prefix: 'pvc_daemon_' });
  const failed = new Gauge({
    name: 'pvc_metrics_unreadable',
    help: 'Metrics that could not be read at this scrape.',
    registers: [registry],
  });
  const meters = definitions.map((definition) => {
    const options = {
      name: definition.name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    return { definition, meter: definition.type === 'gauge' ? new Gauge(options) : new Counter(options) };
  });
  return async () => {
    let unreadable = 0;
    const read = await Promise.all(
      meters.map(async ({ definition, meter }) => ({
        definition,
        meter,
        samples: await collected(definition, clock).catch((error: unknown) => new Unread(error)),
      })),
    );
    for (const { definition, meter, samples } of read) {
      meter.reset();
      try {
        if (samples instanceof Unread) throw samples.reason;
        for (const sample of samples) {
          if (meter instanceof Gauge) meter.set(sample.labels ?? {}, sample.value);
          else meter.inc(sample.labels ?? {}, sample.value);
        }
      } catch (error) {
        unreadable += 1;
        log.warn('a metric cannot be read', { metric: definition.name, reason: errorText(error) });
      }
    }
    failed.set(unreadable);
    return registry.metrics();
  };
}
