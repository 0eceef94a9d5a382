# When a job runs next, in its time zone.
output "next_backups" {
  value = provider::krony::schedule_next("0 30 3 * * MON-FRI", "Europe/Berlin", "2026-03-27T12:00:00Z", 2)
}

# A field `~` depends on the name of the job.
output "next_report" {
  value = provider::krony::schedule_next("0 ~ 6 * * *", "UTC", "2026-03-27T12:00:00Z", 1, "daily-report")
}

# A job must not run during business hours.
variable "schedule" {
  type    = string
  default = "0 0 22 * * *"

  validation {
    condition = alltrue([
      for time in provider::krony::schedule_next(var.schedule, "UTC", "2026-01-01T00:00:00Z", 100) :
      formatdate("hh", time) < "08" || formatdate("hh", time) >= "18"
    ])
    error_message = "The job must run between 18:00 and 08:00 UTC."
  }
}
