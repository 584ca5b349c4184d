#!/bin/sh
# Makes Temporal's two databases, or brings their schema up to this version's. May be repeated.
set -eu
for database in temporal temporal_visibility; do
  folder=${database#temporal_}
  temporal-sql-tool --db "$database" create
  temporal-sql-tool --db "$database" setup-schema --version 0.0
  temporal-sql-tool --db "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
