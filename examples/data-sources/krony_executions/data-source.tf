# The last failures of a job, with what it printed.
data "krony_executions" "failures" {
  job    = "nightly-backup"
  status = "failed"
  limit  = 3
}

output "failures" {
  value = {
    for execution in data.krony_executions.failures.executions :
    execution.started_at => "${execution.node}: ${execution.output}"
  }
}

# No deployment while the job runs.
data "krony_executions" "running" {
  job    = "nightly-backup"
  status = "running"

  lifecycle {
    postcondition {
      condition     = length(self.executions) == 0
      error_message = "The backup is running. Try again later."
    }
  }
}
