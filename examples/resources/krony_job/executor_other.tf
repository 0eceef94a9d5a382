# Any other executor plugin, in dkron's own terms
variable "registry_password" {
  type      = string
  ephemeral = true
}

resource "krony_job" "container" {
  name     = "prune-images"
  schedule = "@weekly"
  tags     = { server = "true:1" }

  executor = {
    name = "docker"
    config = {
      image   = "registry.example.com/tools:latest"
      command = "prune --all"
    }

    # Another version writes the settings again.
    config_wo         = { registry_password = var.registry_password }
    config_wo_version = 1
  }
}
