#!/bin/sh
# Written by pvc: changes are overwritten.
again() {
  tries=0
  until "$@"; do
    code=$?
    tries=$((tries + 1))
    case $code in 5 | 7 | 8) [ "$tries" -lt 600 ] || return "$code" ;; *) return "$code" ;; esac
    sleep 1
  done
}
case $1 in
  init)
    again /usr/bin/pvc --socket /run/pvc/pvc.sock dnsmasq leases 10000 >/run/pvc/dnsmasq/10000/told && cat /run/pvc/dnsmasq/10000/told
    ;;
  add | old | del)
    # At its start, and when it reads its files again, dnsmasq tells all that it has been told.
    if [ -n "$DNSMASQ_IAID" ]; then
      line="$DNSMASQ_LEASE_EXPIRES $DNSMASQ_IAID $3 ${4:-*} $2"
    else
      line="$DNSMASQ_LEASE_EXPIRES $2 $3 ${4:-*} ${DNSMASQ_CLIENT_ID:-*}"
    fi
    [ "$1" = old ] && grep -qxF -e "$line" /run/pvc/dnsmasq/10000/told && exit 0
    again /usr/bin/pvc --socket /run/pvc/pvc.sock dnsmasq lease-event 10000 "$1" "$2" "$3" \
      ${4:+"--name=$4"} ${DNSMASQ_LEASE_EXPIRES:+"--expires=$DNSMASQ_LEASE_EXPIRES"} \
      ${DNSMASQ_CLIENT_ID:+"--client-id=$DNSMASQ_CLIENT_ID"} ${DNSMASQ_IAID:+"--iaid=$DNSMASQ_IAID"} \
      ${DNSMASQ_MAC:+"--mac=$DNSMASQ_MAC"} >/dev/null
    ;;
esac
