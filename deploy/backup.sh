#!/bin/sh
# Copies the database while the service runs.  backup.sh FOLDER
# Chart content in it is sealed; the key ring is not copied: keep it in another place, or the copy is worth nothing.
set -eu
folder=${1:?say where to: backup.sh FOLDER}
umask 077
mkdir -p "$folder"
stamp=$(date -u +%Y%m%dT%H%M%SZ)
case ${CDS_DATABASE_URL:-} in
postgresql*)
    file=$folder/cds-$stamp.pgdump
    pg_dump --format=custom --no-owner --dbname="$(echo "$CDS_DATABASE_URL" | sed 's/^postgresql+[a-z]*:/postgresql:/')" --file="$file.part"
    ;;
*)
    file=$folder/cds-$stamp.sqlite
    database=${CDS_DATA_DIR:-.data}/app.db
    [ -f "$database" ] || { echo "backup: there is no $database; set CDS_DATA_DIR." >&2; exit 1; }
    "${PYTHON:-python3}" - "$database" "$file.part" <<'PYTHON'
import sqlite3, sys
source, target = (sqlite3.connect(name) for name in sys.argv[1:])
source.backup(target)
if target.execute("PRAGMA integrity_check").fetchone() != ("ok",):
    sys.exit("backup: the copy is damaged; nothing was kept.")
PYTHON
    ;;
esac
mv "$file.part" "$file"
echo "$file"
