# A command on the node
resource "krony_job" "dump" {
  name        = "dump-database"
  schedule    = "0 15 3 * * *"
  timezone    = "Europe/Berlin"
  concurrency = "forbid"
  tags        = { role = "database:1" }

  shell = {
    command   = "pg_dump shop | gzip > /backup/shop.sql.gz"
    use_shell = true
    env       = { PGUSER = "backup", PGHOST = "localhost" }
    cwd       = "/backup"
    timeout   = "1h"
  }
}
