# A message for NATS
variable "nats_password" {
  type      = string
  sensitive = true
}

resource "krony_job" "hourly_event" {
  name     = "hourly-event"
  schedule = "@hourly"
  tags     = { server = "true:1" }

  nats = {
    url      = "tls://nats.example.com:4443"
    subject  = "hours"
    message  = "another one"
    username = "krony"
    password = var.nats_password
  }
}
