#!/bin/sh
# Makes compose/secrets: the password of the database's owner, and for each service the address of the database with a
# role and a password of its own. What is there already is left alone.
set -eu
umask 022  # the services are users of their own, so everybody may read the files; only you can enter the folder
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"

password() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

if [ ! -e "$folder/database_password" ]; then
    password > "$folder/database_password"
    printf 'postgresql://txhub:%s@db:5432/txhub' "$(cat "$folder/database_password")" > "$folder/database_url"
fi
for service in ingest worker api; do
    [ -e "$folder/${service}_url" ] ||
        printf 'postgresql://txhub_%s:%s@db:5432/txhub' "$service" "$(password)" > "$folder/${service}_url"
done
