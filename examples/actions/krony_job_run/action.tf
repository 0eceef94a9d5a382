resource "krony_job" "migration" {
  name     = "migrate-database"
  schedule = "@manually"
  tags     = { server = "true:1" }
  shell    = { command = "echo migrated" }

  # Runs the job once it is there, and again whenever it changes.
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.krony_job_run.migration]
    }
  }
}

# By hand: terraform apply -invoke=action.krony_job_run.migration
action "krony_job_run" "migration" {
  config {
    job     = "migrate-database"
    timeout = "5m"
  }
}
