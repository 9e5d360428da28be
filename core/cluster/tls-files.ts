/** Where a node's certificates and keys are. @module */
import type { Config } from '../config/schema.ts';

export const tlsFiles = (config: Pick<Config, 'directories'>) => {
  const directory = `${config.directories.state}/tls`;
  return {
    directory,
    ca: `${directory}/ca.pem`,
    caKey: `${directory}/ca.key`,
    certificate: `${directory}/node.pem`,
    key: `${directory}/node.key`,
  };
};
