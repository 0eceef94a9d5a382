# A message for RabbitMQ
resource "krony_job" "send_newsletter" {
  name     = "send-newsletter"
  schedule = "0 0 9 * * MON"
  timezone = "Europe/Berlin"
  tags     = { server = "true:1" }

  rabbitmq = {
    url = "amqp://rabbitmq.example.com:5672/shop"

    queue = {
      name    = "newsletters"
      create  = true
      durable = true
    }

    message = {
      content_type  = "application/json"
      delivery_mode = 2
      body          = jsonencode({ newsletter = "weekly" })
    }
  }
}
