#!/bin/sh
# Puts a copy back, into a place where nothing is.  restore.sh FILE
# Stop the service first. Afterwards: `cds-service db upgrade`, `cds-service audit verify`, start.
set -eu
file=${1:?say what: restore.sh FILE}
[ -f "$file" ] || { echo "restore: there is no $file." >&2; exit 1; }
case $file in
*.pgdump)
    url=$(echo "${CDS_DATABASE_URL:?say where to: an empty database}" | sed 's/^postgresql+[a-z]*:/postgresql:/')
    tables=$(psql --dbname="$url" --no-psqlrc --tuples-only --no-align --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    [ "$tables" = 0 ] || { echo "restore: that database is not empty; make a new one." >&2; exit 1; }
    pg_restore --exit-on-error --no-owner --single-transaction --dbname="$url" "$file"
    ;;
*.sqlite)
    folder=${CDS_DATA_DIR:-.data}
    umask 077
    mkdir -p "$folder"
    [ ! -e "$folder/app.db" ] || { echo "restore: $folder/app.db is there already; move it away." >&2; exit 1; }
    if [ -e "$folder/lock" ] && ! flock --nonblock "$folder/lock" true; then
        echo "restore: the service runs on $folder; stop it first." >&2
        exit 1
    fi
    cp "$file" "$folder/app.db.part"
    mv "$folder/app.db.part" "$folder/app.db"
    ;;
*)
    echo "restore: $file is no copy of ours (.sqlite or .pgdump)." >&2
    exit 1
    ;;
esac
echo "restored $file"
