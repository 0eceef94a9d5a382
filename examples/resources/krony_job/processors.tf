# What happens to the output of a run
resource "krony_job" "check_disks" {
  name     = "check-disks"
  schedule = "@every 10m"
  tags     = {} # on every node

  shell = {
    command = "df -h"
  }

  # With `forward` the output goes on to the other processors, and dkron keeps it.
  processors = {
    files = {
      log_dir = "/var/log/dkron/disks"
      forward = true
    }
    syslog = { forward = true }
    fluent = { forward = true }

    # Any other processor, in dkron's own terms.
    other = {
      email = { emails = "ops@example.com", onSuccess = "false" }
    }
  }
}
