/**
 * vtysh as frr-reload.py gets it: without passwords. What it sees of them, it writes into its log and into a file that
 * everybody may read, and puts into argv to take it away; what it does not see, it leaves alone. Pure.
 * @module
 */

/** Where `--bindir` of frr-reload.py leads to; the state directory, since `/run` may be mounted noexec. */
export const binDirectory = (state: string): string => `${state}/frr`;

/** Its lines of the running configuration and of the file that is read are compared: both come through here. */
export const vtyshScript = `#!/bin/bash
# Written by pvc: changes are overwritten.
set -o pipefail
/usr/bin/vtysh "$@" | sed -E '/^ *neighbor [^ ]+ password /d'
`;
