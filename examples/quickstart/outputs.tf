output "jobs" {
  description = "Names of the jobs in dkron."
  value       = [krony_job.greet.id, krony_job.collect.id, krony_job.report.id]
}

output "calls" {
  description = "Where to see the calls arrive."
  value       = "${var.receiver_url}/logs"
}
