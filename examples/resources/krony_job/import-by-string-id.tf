import {
  to = krony_job.backup
  id = "nightly-backup"
}
