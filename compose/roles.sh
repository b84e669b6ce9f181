#!/bin/sh
# Lets each service log in to the database by the role and the password of its secret. `txhub db migrate` gives the roles
# their rights. The database's image runs it once, as it makes the database; running it again does no harm.
set -eu
for service in ingest worker api; do
    # \getenv, so that no password is in the list of processes.
    PASSWORD=$(sed 's|^[^:]*://[^:]*:\([^@]*\)@.*|\1|' "${SECRETS:-/run/secrets}/${service}_url") \
        psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set role="txhub_$service" <<'SQL'
\getenv password PASSWORD
SELECT format('CREATE ROLE %I', :'role') WHERE to_regrole(:'role') IS NULL \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SQL
done
