#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL, whose address it finds in TRIBUTARY_TEST_POSTGRES, and
# stops that PostgreSQL afterwards, whatever happens. Nothing of it is shared with any other cluster.
#   with_postgres.sh [--durable] COMMAND...
# Without --durable the cluster neither waits for the disk nor cleans up: right for tests, wrong for measurements.
set -euo pipefail

# Its autovacuum belongs to the superuser, and a database that it is cleaning cannot be dropped by the tests' own role.
durability=(-c fsync=off -c full_page_writes=off -c autovacuum=off)
if [[ ${1:-} == --durable ]]; then
    durability=()
    shift
fi
((${#} > 0)) || { echo "with_postgres.sh: no command given" >&2; exit 2; }

programs=$(dirname "$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
[[ -x $programs/initdb ]] || { echo "Please install PostgreSQL: apt-get install -y postgresql" >&2; exit 1; }

# The server refuses to run as root.
as_owner=()
if ((EUID == 0)); then
    owner=postgres
    id -u "$owner" >/dev/null 2>&1 || useradd --system --no-create-home "$owner"
    as_owner=(runuser -u "$owner" --)
fi

# Short, because a Unix socket's path may have 107 characters.
folder=$(mktemp -d /tmp/tributary-pg.XXXXXX)
((EUID == 0)) && chown "$owner" "$folder"
chmod 700 "$folder"
cd_home() { cd /; } # the owner may have no right to stand in the repository

stop() {
    trap - EXIT
    local server
    server=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null || true)
    if [[ -n $server ]]; then
        kill -INT "$server" 2>/dev/null || true # "fast": clients are disconnected
        tail --pid="$server" -f /dev/null
    fi
    rm -rf "$folder"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start() {
    local attempt
    (cd_home && "${as_owner[@]}" "$programs/initdb" -D "$folder/data" -U postgres --auth=trust \
        -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1) || return 1
    # Another program may take the port between our look and the server's bind.
    for attempt in 1 2 3 4 5; do
        port=$(free_port)
        local options="-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=300 ${durability[*]}"
        if (cd_home && "${as_owner[@]}" "$programs/pg_ctl" -D "$folder/data" -s -w -l "$folder/log" \
            -o "$options" start >/dev/null 2>&1); then
            # A superuser would walk through the wall between tenants.
            (cd_home && "${as_owner[@]}" psql -h 127.0.0.1 -p "$port" -U postgres -qc \
                "CREATE ROLE tributary LOGIN CREATEDB" >/dev/null 2>&1)
            return
        fi
    done
    return 1
}

trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if ! start; then
    echo "with_postgres.sh: PostgreSQL did not start:" >&2
    cat "$folder/initdb.log" "$folder/log" >&2 || true
    exit 1
fi

# A trap does not see SIGKILL; this guard does, and stays silent so that no pipe waits for it.
(tail --pid="$$" -f /dev/null && stop) >/dev/null 2>&1 </dev/null &
guard=$!
disown "$guard"

export TRIBUTARY_TEST_POSTGRES="postgres://tributary@127.0.0.1:$port/postgres"
status=0
"$@" || status=$?
exit "$status"
