# Calls an address every night at half past four, in the time of the place.
resource "krony_job" "backup" {
  name     = "nightly-backup"
  schedule = "0 30 4 * * *"
  timezone = "Europe/Berlin"
  owner    = "platform"
  tags     = { server = "true:1" }

  http = {
    method  = "POST"
    url     = "https://backup.example.com/run"
    headers = { "X-Reason" = "nightly" }
    timeout = "5m"
  }
}

# Runs a command whenever the backup has succeeded.
resource "krony_job" "report" {
  name       = "backup-report"
  parent_job = krony_job.backup.name
  retries    = 2
  tags       = { server = "true:1" }

  shell = {
    command = "/usr/local/bin/report --of nightly-backup"
    env     = { LANG = "C" }
  }
}
