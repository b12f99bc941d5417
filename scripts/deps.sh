#!/bin/bash
# Installs the Debian packages that Logster needs and that are missing. See --help.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/deps.sh [--list|--check] GROUP...

Installs what is missing of the Debian 12 packages of each GROUP with apt-get, as root or through
sudo. Does nothing, and asks the network nothing, when all are there. `test` holds rsyslog, whose
service Debian starts where systemd runs (not in a container); the tests start their own process.

  build   compile Logster                  test   what ./test needs beside that
  lint    the slow checks of `make lint`   fuzz   `make fuzz`      coverage   `make coverage`

  --list   print the packages             --check  fail if one is missing, install nothing
END
}

# Debian's Node only where there is none that will do: the one that is there is used.
node_packages() {
    local major
    major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
    command -v npm >/dev/null && [ "${major:-0}" -ge 18 ] || echo nodejs npm
}

packages_of() {
    case $1 in
    build) echo "$(node_packages)" build-essential cmake ninja-build pkg-config libsimdjson-dev libsodium-dev \
        libzstd-dev zlib1g-dev libfyaml-dev liblinear-dev libxgboost-dev libopenblas-dev \
        libcmocka-dev libzip-dev libxxhash-dev librocksdb-dev libsqlite3-dev \
        libmicrohttpd-dev libgnutls28-dev libcurl4-gnutls-dev \
        librdkafka-dev libpq-dev ;;
    test) echo util-linux faketime git zstd python3 python3-numpy python3-torch python3-pytest \
        python3-jsonschema python3-hypothesis clang clang-14 clang-format-14 \
        libclang-rt-14-dev llvm-14 pmccabe \
        rsyslog rsyslog-elasticsearch rsyslog-gnutls python3-elasticsearch openssl \
        curl gzip chromium fonts-liberation \
        openjdk-17-jre-headless maven postgresql kcat socat ;;
    lint) echo clang-tidy-14 cppcheck shellcheck ;;
    fuzz) echo clang clang-14 libclang-rt-14-dev llvm-14 lld ;;
    coverage) echo gcovr ;;
    *)
        echo "deps: no group named '$1'" >&2
        usage >&2
        exit 2
        ;;
    esac
}

mode=install
groups=()
for arg in "$@"; do
    case $arg in
    -h | --help) usage; exit 0 ;;
    --list) mode=list ;;
    --check) mode=check ;;
    *) groups+=("$arg") ;;
    esac
done
if [ ${#groups[@]} -eq 0 ]; then
    usage >&2
    exit 2
fi

wanted=()
for group in "${groups[@]}"; do
    list=$(packages_of "$group")
    read -ra names <<<"$list"
    wanted+=("${names[@]}")
done
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)
if [ $mode = list ]; then
    printf '%s\n' "${wanted[@]}"
    exit 0
fi

if ! command -v dpkg-query >/dev/null; then
    echo "deps: this is no Debian system; install what corresponds to: ${wanted[*]}" >&2
    exit 1
fi
# what an installed package provides counts too: npm comes with some builds of nodejs
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' 2>/dev/null |
    sed -n 's/^installed //p' | tr ',' '\n' | sed 's/([^)]*)//; s/ //g; /^$/d' | sort -u)
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") <(printf '%s\n' "$installed"))
if [ ${#missing[@]} -eq 0 ]; then
    echo "deps: all ${#wanted[@]} packages are installed"
    exit 0
fi
echo "deps: missing ${#missing[@]} of ${#wanted[@]} packages: ${missing[*]}"
if [ $mode = check ]; then
    exit 1
fi

. /etc/os-release
if [ "${VERSION_CODENAME:-}" != bookworm ]; then
    echo "deps: note: built and tested on Debian 12 (bookworm); this is ${PRETTY_NAME:-unknown}"
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: not root and no sudo; as root, run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
apt() {
    echo "deps: ${as_root[*]} apt-get $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 \
        -o DPkg::Lock::Timeout=300 "$@"
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
echo "deps: installed ${#missing[@]} packages"
