# A call over gRPC
resource "krony_job" "rebuild_index" {
  name     = "rebuild-index"
  schedule = "@every 6h"
  tags     = { server = "true:1" }

  grpc = {
    url           = "search.example.com:9000/search.Index/Rebuild"
    body          = jsonencode({ full = true })
    timeout       = "5m"
    expected_code = 0
  }
}
