/** `/metrics`: what plugins and core measure, in Prometheus' text format, read when it is asked. @module */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { errorText } from '../error/error.ts';
import type { Logger } from '../host/log.ts';
import type { MetricDefinition } from '../metric/metric.ts';

/** Returns the function that renders the page. A metric that cannot be read is left out and counted. */
export function createMetricsPage(definitions: readonly MetricDefinition[], node: string, log: Logger): () => Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ node });
  collectDefaultMetrics({ register: registry, prefix: 'pvc_daemon_' });
  const failed = new Gauge({ name: 'pvc_metrics_unreadable', help: 'Metrics that could not be read at this scrape.', registers: [registry] });
  const meters = definitions.map((definition) => {
    const options = { name: definition.name, help: definition.help, labelNames: [...definition.labels], registers: [registry] };
    return { definition, meter: definition.type === 'gauge' ? new Gauge(options) : new Counter(options) };
  });
  return async () => {
    let unreadable = 0;
    for (const { definition, meter } of meters) {
      meter.reset();
      try {
        for (const sample of await definition.collect()) {
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
