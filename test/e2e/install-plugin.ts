/** A third-party plugin on every node of a lab, as an administrator installs one. @module */
import type { TestLab } from './test-lab.ts';

/** Writes the plugin's file, names it in the configuration, and starts each daemon again. */
export async function installPlugin(lab: TestLab, path: string, text: string): Promise<void> {
  const config = '/etc/pvc/pvc.yaml';
  const loading = `plugins:\n  load: [{ path: ${path} }]\n`;
  for (const node of lab.nodes) {
    await lab.writeFile(node, path, text);
    const kept = await lab.readFile(node, config);
    const has = /^plugins:\n/m;
    await lab.writeFile(node, config, has.test(kept) ? kept.replace(has, loading) : `${kept}${loading}`);
    await lab.daemon(node, 'restart');
  }
}
