#!/bin/sh
# Written by pvc: changes are overwritten.
put() {
  printf '%s\n' "$1" "$2" "$DNSMASQ_LEASE_EXPIRES" "$DNSMASQ_CLIENT_ID" "$DNSMASQ_IAID" "$DNSMASQ_MAC" "$4" \
    >"/run/pvc/dnsmasq-leases/reported/.10000.$$" && mv -f "/run/pvc/dnsmasq-leases/reported/.10000.$$" "/run/pvc/dnsmasq-leases/reported/10000.$3"
}
case $1 in
  init)
    cat /run/pvc/dnsmasq/10000/leases
    ;;
  add | old | del)
    # At its start, and when it reads its files again, dnsmasq tells all that it has been told.
    if [ -n "$DNSMASQ_IAID" ]; then
      line="$DNSMASQ_LEASE_EXPIRES $DNSMASQ_IAID $3 ${4:-*} $2"
    else
      line="$DNSMASQ_LEASE_EXPIRES $2 $3 ${4:-*} ${DNSMASQ_CLIENT_ID:-*}"
    fi
    [ "$1" = old ] && grep -sqxF -e "$line" /run/pvc/dnsmasq/10000/leases && exit 0
    # dnsmasq calls for one change at a time and keeps the others until then.
    tries=1
    until put "$@"; do
      [ "$tries" -lt 600 ] || exit 1
      tries=$((tries + 1))
      sleep 1
    done
    ;;
esac
