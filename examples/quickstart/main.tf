# Three jobs in dkron: one that calls a URL, one that runs a command, and one that follows it.

terraform {
  required_providers {
    krony = {
      source = "krony-cloud/krony"
    }
  }
}

provider "krony" {
  endpoint = var.dkron_url
}

# Calls a URL every two seconds. Any other answer than 200 is a failed run.
resource "krony_job" "greet" {
  name        = "greet"
  schedule    = "@every 2s"
  owner       = var.owner
  concurrency = "forbid"              # a slow answer is not overtaken by the next call
  tags        = { server = "true:1" } # on one of the nodes; without tags a job runs on all of them

  http = {
    method         = "PUT"
    url            = "${var.receiver_url}/log/${var.greeting}"
    timeout        = "5s"
    expected_codes = [200]
  }
}

# Runs a command on a dkron node: a schedule has six fields, the first of them seconds.
resource "krony_job" "collect" {
  name     = "collect"
  schedule = "*/3 * * * * *"
  timezone = "Europe/Stockholm"
  owner    = var.owner
  tags     = { server = "true:1" }

  shell = {
    command = "date"
  }
}

# Runs whenever `collect` has succeeded: it has a parent in place of a schedule.
resource "krony_job" "report" {
  name       = "report"
  parent_job = krony_job.collect.name
  owner      = var.owner
  retries    = 2
  tags       = { server = "true:1" }

  http = {
    method = "PUT"
    url    = "${var.receiver_url}/log/report"
  }
}
