#!/bin/sh
# What only the tests need and pip cannot bring: a browser, its fonts, strace. Nothing here starts a service.
set -eu
wanted=""
command -v chromium >/dev/null || wanted="$wanted chromium fonts-dejavu-core"
command -v strace >/dev/null || wanted="$wanted strace"
command -v unshare >/dev/null || wanted="$wanted util-linux"
[ -z "$wanted" ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "the tests need:$wanted" >&2
    exit 3
fi
if [ "$(id -u)" = 0 ]; then root=""; else root="sudo -n"; fi
$root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $root apt-get install -qq -y --no-install-recommends $wanted >/dev/null
