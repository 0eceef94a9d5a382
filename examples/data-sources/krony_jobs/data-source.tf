# The jobs of a team whose last run failed.
data "krony_jobs" "failing" {
  metadata = { team = "platform" }
  status   = "failed"
}

output "failing" {
  value = data.krony_jobs.failing.names
}
