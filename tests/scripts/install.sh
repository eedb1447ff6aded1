#!/usr/bin/env bash
# Installs what is missing, where it may: Debian packages as root, everything else below target/ and
# node_modules/. Where it may not, it says in one line what to install, and fails.
#   install.sh build    compiling needs it
#   install.sh run      build, and Node.js for the admin UI, which is then built; without Node.js the program
#                       starts all the same and says in its page that the UI is missing
#   install.sh bench    build, and PostgreSQL
#   install.sh test     bench, and Python, Node.js and Chromium with their pinned packages
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
purpose=${1:?build, run, bench or test}

has() { command -v "$1" >/dev/null 2>&1; }

# Debian keeps the server's programs off the PATH.
has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
# Debian ships `venv` without the part that installs pip into one.
has_venv() { has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null; }

missing_packages() {
    has cc || echo build-essential
    [[ $purpose == build || $purpose == run ]] && return
    has_postgres || echo postgresql
    [[ $purpose == bench ]] && return
    has_venv || echo python3-venv
    has node || echo nodejs
    has npm || echo npm
    has chromium || echo chromium
    # The tests follow the README's tour word by word.
    has curl || echo curl
    has jq || echo jq
    has openssl || echo openssl
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]})) || return 0
    if ! has apt-get || ((EUID != 0)); then
        echo "Please install, then run this again: sudo apt-get install -y ${packages[*]}" >&2
        exit 1
    fi
    echo "Installing ${packages[*]}"
    local log
    log=$(mktemp)
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy \
        --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
}

check_rust() {
    if ! has cargo || ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        echo "Please install Rust 1.94 or newer with rustfmt and clippy (rustup does), then run this again" >&2
        exit 1
    fi
}

# The builder of the admin UI asks for this one.
has_node() {
    has npm && has node &&
        node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
}

check_node() {
    if ! has_node; then
        echo "Please install Node.js 20.19 or newer with npm, then run this again" >&2
        exit 1
    fi
}

# Runs a command unless it ran before with the same inputs: once <stamp> <inputs...> -- <command...>
once() {
    local stamp=$1 inputs=() sum
    shift
    while [[ $1 != -- ]]; do inputs+=("$1") && shift; done
    shift
    sum=$(sha256sum "${inputs[@]}")
    [[ -f $stamp && $(<"$stamp") == "$sum" ]] && return
    "$@"
    printf '%s\n' "$sum" >"$stamp"
}

make_venv() {
    local venv=target/test-venv arguments=() file
    for file in "$@"; do arguments+=(-r "$file"); done
    echo "Installing Python packages into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "${arguments[@]}"
}

install_python() {
    local files=(tests/py/requirements.txt)
    [[ -f tests/sdk/requirements.txt ]] && files+=(tests/sdk/requirements.txt)
    mkdir -p target
    [[ -x target/test-venv/bin/python ]] || rm -f target/test-venv.stamp
    once target/test-venv.stamp "${files[@]}" -- make_venv "${files[@]}"
}

install_node() {
    local folder
    for folder in "$@"; do
        [[ -f $folder/package-lock.json ]] || continue
        [[ -d $folder/node_modules ]] || rm -f "$folder/node_modules/.stamp"
        once "$folder/node_modules/.stamp" "$folder/package-lock.json" -- \
            npm --prefix "$folder" ci --silent --no-audit --no-fund
    done
}

# Packages by the lock file, without their install scripts; then the files that the program embeds.
build_admin_ui() {
    local sources
    mapfile -t sources < <(find admin-ui -type f -not -path '*/node_modules/*' -not -path 'admin-ui/dist/*' \
        -not -path 'admin-ui/screenshots/*' | sort)
    [[ -f admin-ui/dist/index.html ]] || rm -f target/admin-ui.stamp
    mkdir -p target
    once target/admin-ui.stamp "${sources[@]}" -- npm --prefix admin-ui run --silent build
}

check_rust
install_packages
if [[ $purpose == run ]]; then
    if has_node; then
        install_node admin-ui
        build_admin_ui
    else
        echo "Node.js 20.19 or newer is not here, so the admin UI is not built; everything else is"
    fi
fi
if [[ $purpose == test ]]; then
    check_node
    install_python
    install_node tests/browser tests/sdk admin-ui
    build_admin_ui
fi
