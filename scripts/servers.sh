#!/bin/bash
# Fetches the Java servers that the tests start. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: scripts/servers.sh [NAME...]

Resolves tests/integration/servers/NAME/pom.xml with Maven (Maven Central) into
build/servers/NAME/*.jar, unless that was done for the same pom before. Without a NAME: all of them.
END
}

names=()
for arg in "$@"; do
    case $arg in
    -h | --help) usage; exit 0 ;;
    *) names+=("$arg") ;;
    esac
done
if [ ${#names[@]} -eq 0 ]; then
    for pom in tests/integration/servers/*/pom.xml; do
        names+=("$(basename "$(dirname "$pom")")")
    done
fi

mkdir -p build/servers
exec 9>build/servers/lock
flock 9
for name in "${names[@]}"; do
    pom=tests/integration/servers/$name/pom.xml
    out=build/servers/$name
    if [ ! -f "$pom" ]; then
        echo "servers: no server named '$name'" >&2
        usage >&2
        exit 2
    fi
    if cmp -s "$pom" "$out/pom.xml"; then
        echo "servers: $name is there"
        continue
    fi
    rm -rf "$out" "$out.new"
    mkdir -p "$out.new"
    mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$PWD/$out.new"
    cp "$pom" "$out.new/pom.xml" # last: a folder with it is whole
    mv "$out.new" "$out"
    echo "servers: $name: $(find "$out" -name '*.jar' | wc -l) jars"
done
