import {
  to = krony_job.nightly_backup
  identity = {
    name   = "nightly-backup"
    tenant = "acme" # only for a job of a tenant
  }
}
