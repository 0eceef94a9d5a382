# All enabled jobs of a team. `terraform query -generate-config-out=jobs.tf` writes configuration and import blocks.
list "krony_job" "of_the_team" {
  provider         = krony
  include_resource = true

  config {
    metadata = { team = "platform" }
    disabled = false
  }
}
