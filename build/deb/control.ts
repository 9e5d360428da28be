/**
 * The control file of the Debian package.
 * @module
 */
import { readFileSync } from 'node:fs';
import { inRepository } from '../paths.ts';

/** What the executable itself is linked with; the SQLite driver asks for the newest glibc of all of it. */
const linked = ['libc6 (>= 2.34)', 'libgcc-s1', 'libstdc++6'];

/** Packages that a node needs to run guests, or besides as a coordinator: the list that the setup of a machine installs, too. */
export function debianPackages(purpose: 'run' | 'coordinator'): string[] {
  const lists = JSON.parse(readFileSync(inRepository('build/setup/packages.json'), 'utf8')) as Record<
    typeof purpose,
    { packages: Record<string, string> }
  >;
  return Object.keys(lists[purpose].packages).sort();
}

export interface ControlFields {
  readonly version: string;
  readonly installedKiB: number;
  readonly depends: readonly string[];
  /** Installed with it unless somebody says otherwise. */
  readonly recommends: readonly string[];
}

/** Text of DEBIAN/control, deb-control(5). */
export function control(fields: ControlFields): string {
  return `Package: pvc
Version: ${fields.version}
Architecture: amd64
Maintainer: The PVC authors <pvc@localhost>
Installed-Size: ${fields.installedKiB}
Depends: ${[...linked, ...fields.depends].join(', ')}
Recommends: ${fields.recommends.join(', ')}
Section: admin
Priority: optional
Description: virtualization cluster of 1, 3 or 100+ servers in one executable
 PVC (Parallel Virtual Cluster) turns Debian servers into one cluster that runs
 virtual machines. The executable is the node daemon, the command line, the
 HTTP API and the web pages.
`;
}
