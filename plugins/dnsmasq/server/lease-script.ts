/**
 * What dnsmasq calls when a lease comes, changes or goes, and at its start for all of them (`--dhcp-script` and
 * `--leasefile-ro` in dnsmasq(8)). Pure.
 * @module
 */

export interface ScriptInput {
  readonly vni: string;
  /** Where the leases are that dnsmasq starts with. */
  readonly directory: string;
  /** Where what happens to a lease is put (`lease/lease-spool.ts`). */
  readonly reported: string;
}

/** What dnsmasq is given at its start. */
export const leasesFile = 'leases';

const pauseS = 1;
/** Later than this a renewal tells it again. */
const mostTries = 600;

/**
 * Each change starts this script, so it starts little itself: the lines are those of `lease/lease-report.ts`.
 * The values go into the text as they are: a number and two paths that PVC has made.
 */
export const leaseScript = ({ vni, directory, reported }: ScriptInput): string => `#!/bin/sh
# Written by pvc: changes are overwritten.
put() {
  printf '%s\\n' "$1" "$2" "$DNSMASQ_LEASE_EXPIRES" "$DNSMASQ_CLIENT_ID" "$DNSMASQ_IAID" "$DNSMASQ_MAC" "$4" \\
    >"${reported}/.${vni}.$$" && mv -f "${reported}/.${vni}.$$" "${reported}/${vni}.$3"
}
case $1 in
  init)
    cat ${directory}/${leasesFile}
    ;;
  add | old | del)
    # At its start, and when it reads its files again, dnsmasq tells all that it has been told.
    if [ -n "$DNSMASQ_IAID" ]; then
      line="$DNSMASQ_LEASE_EXPIRES $DNSMASQ_IAID $3 \${4:-*} $2"
    else
      line="$DNSMASQ_LEASE_EXPIRES $2 $3 \${4:-*} \${DNSMASQ_CLIENT_ID:-*}"
    fi
    [ "$1" = old ] && grep -sqxF -e "$line" ${directory}/${leasesFile} && exit 0
    # dnsmasq calls for one change at a time and keeps the others until then.
    tries=1
    until put "$@"; do
      [ "$tries" -lt ${mostTries} ] || exit 1
      tries=$((tries + 1))
      sleep ${pauseS}
    done
    ;;
esac
`;
