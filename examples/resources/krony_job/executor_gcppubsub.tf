# A message for Google Cloud Pub/Sub
resource "krony_job" "start_report" {
  name     = "start-report"
  schedule = "0 0 6 * * *"
  tags     = { server = "true:1" }

  gcppubsub = {
    project    = "shop-reports"
    topic      = "start"
    data       = jsonencode({ report = "daily" })
    attributes = { origin = "dkron" }
  }
}
