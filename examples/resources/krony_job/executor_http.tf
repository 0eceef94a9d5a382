# A call over HTTP, with a token that Terraform does not store
variable "shop_token" {
  type      = string
  ephemeral = true
}

resource "krony_job" "close_orders" {
  name     = "close-orders"
  schedule = "0 0 * * * *"
  tags     = { server = "true:1" }

  http = {
    url            = "https://shop.example.com/orders/close"
    method         = "POST"
    body           = jsonencode({ older_than = "30d" })
    timeout        = "2m"
    expected_codes = [200, 202]
    expected_body  = "\"closed\": *[0-9]+"

    # Another version writes the token again.
    headers_wo         = { Authorization = "Bearer ${var.shop_token}" }
    headers_wo_version = 1
  }
}
