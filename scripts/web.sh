#!/bin/bash
# Builds the dashboard's page and the C table of its files. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat <<'END'
usage: scripts/web.sh FOLDER

Builds web/ with npm and Vite in a copy under build/web, unless that was done for the same sources
before, and writes FOLDER/page.c: a table of the page's files, which includes their bytes from
build/web. Every preset's build calls it; only one runs at a time. Needs Node 18 or newer with npm.
END
    [ $# -eq 1 ] && exit 0
    exit 2
fi

fail() {
    echo "web: $*" >&2
    exit 1
}

node_major() {
    node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'
}

out=$1
top=$PWD/build/web
mkdir -p "$out" "$top"
exec 9>"$top/lock"
flock 9

{ command -v node && command -v npm; } >/dev/null ||
    fail "the dashboard's page needs Node 18 or newer with npm: scripts/deps.sh build installs Debian's"
[ "$(node_major)" -ge 18 ] || fail "Node $(node --version) is too old: the page needs 18 or newer"

sources() { # what the page is made from, NUL-separated and in one order
    find web -name node_modules -prune -o -name dist -prune -o -path web/e2e -prune -o -type f -print0 |
        LC_ALL=C sort -z
}

digest() {
    { sources | xargs -0 sha256sum; sha256sum scripts/web-assets.mjs; node_major; } | sha256sum | cut -c1-64
}

build() {
    local tree=$top/tree lock
    lock=$( (sha256sum <web/package-lock.json; node_major) | sha256sum)
    mkdir -p "$tree"
    find "$tree" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
    (cd web && find . -name node_modules -prune -o -path ./dist -prune -o -path ./e2e -prune -o -type f -print0 |
        tar --null -T - -cf - | tar -C "$tree" -xf -)
    if [ "$(cat "$top/modules" 2>/dev/null)" != "$lock" ]; then
        rm -f "$top/modules"
        (cd "$tree" && npm ci --no-audit --no-fund --loglevel=error)
        echo "$lock" >"$top/modules"
    fi
    (cd "$tree" && LOGSTER_WEB_OUT="$tree/dist" npm run --silent build)
    [ -s "$tree/dist/index.html" ] || fail "the build left no dist/index.html"
    node scripts/web-assets.mjs "$tree/dist" "$top/files" "$top/page.c"
}

want=$(digest)
if [ "$(cat "$top/stamp" 2>/dev/null)" != "$want" ] || [ ! -s "$top/page.c" ]; then
    rm -f "$top/stamp"
    build >"$top/log" 2>&1 & # in the background: bash forgets `set -e` in what stands before ||
    wait $! || {
        cat "$top/log" >&2
        fail "the dashboard's page could not be built (above; also in build/web/log)"
    }
    echo "$want" >"$top/stamp"
fi
cp "$top/page.c" "$out/page.c"
