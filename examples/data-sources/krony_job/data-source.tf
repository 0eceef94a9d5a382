data "krony_job" "backup" {
  name = "nightly-backup"
}

output "last_backup" {
  value = data.krony_job.backup.last_success
}
