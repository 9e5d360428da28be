/**
 * What dnsmasq calls when a lease comes, changes or goes, and at its start for all of them (`--dhcp-script` and
 * `--leasefile-ro` in dnsmasq(8)). Pure.
 * @module
 */

export interface ScriptInput {
  readonly vni: string;
  readonly directory: string;
  /** The daemon's. */
  readonly socket: string;
}

/**
 * Exit codes of `pvc` after which it is tried again: somebody else was at it (5), neither daemon nor store can be reached
 * (7), nobody knows whether it was done (8). dnsmasq calls for one change at a time and keeps the others until then.
 */
export const passing = [5, 7, 8];
const pauseS = 1;
/** Later than this a renewal tells it again. */
const mostTries = 600;

/** Where the package puts it. */
const program = '/usr/bin/pvc';

/** The values go into the text as they are: a number and two paths that PVC has made. */
export const leaseScript = ({ vni, directory, socket }: ScriptInput): string => {
  const told = `${directory}/told`;
  return `#!/bin/sh
# Written by pvc: changes are overwritten.
again() {
  tries=0
  until "$@"; do
    code=$?
    tries=$((tries + 1))
    case $code in ${passing.join(' | ')}) [ "$tries" -lt ${mostTries} ] || return "$code" ;; *) return "$code" ;; esac
    sleep ${pauseS}
  done
}
case $1 in
  init)
    again ${program} --socket ${socket} dnsmasq leases ${vni} >${told} && cat ${told}
    ;;
  add | old | del)
    # At its start, and when it reads its files again, dnsmasq tells all that it has been told.
    if [ -n "$DNSMASQ_IAID" ]; then
      line="$DNSMASQ_LEASE_EXPIRES $DNSMASQ_IAID $3 \${4:-*} $2"
    else
      line="$DNSMASQ_LEASE_EXPIRES $2 $3 \${4:-*} \${DNSMASQ_CLIENT_ID:-*}"
    fi
    [ "$1" = old ] && grep -qxF -e "$line" ${told} && exit 0
    again ${program} --socket ${socket} dnsmasq lease-event ${vni} "$1" "$2" "$3" \\
      \${4:+"--name=$4"} \${DNSMASQ_LEASE_EXPIRES:+"--expires=$DNSMASQ_LEASE_EXPIRES"} \\
      \${DNSMASQ_CLIENT_ID:+"--client-id=$DNSMASQ_CLIENT_ID"} \${DNSMASQ_IAID:+"--iaid=$DNSMASQ_IAID"} \\
      \${DNSMASQ_MAC:+"--mac=$DNSMASQ_MAC"} >/dev/null
    ;;
esac
`;
};
