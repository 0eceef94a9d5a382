# A message for Kafka, with a password that Terraform does not store
variable "kafka_password" {
  type      = string
  ephemeral = true
}

resource "krony_job" "tick" {
  name     = "tick"
  schedule = "@every 1m"
  tags     = { server = "true:1" }

  kafka = {
    broker_address = "kafka-1.example.com:9093,kafka-2.example.com:9093"
    topic          = "ticks"
    key            = "shop"
    message        = jsonencode({ kind = "tick" })
    tls_enable     = true

    sasl_mechanism = "sha512"
    sasl_username  = "krony"
    # Another version writes the password again.
    sasl_password_wo         = var.kafka_password
    sasl_password_wo_version = 1
  }
}
