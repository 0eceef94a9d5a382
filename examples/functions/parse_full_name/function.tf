# { tenant = "acme", name = "nightly-backup" }
output "job_of_a_tenant" {
  value = provider::krony::parse_full_name("acme--nightly-backup")
}

# { tenant = null, name = "nightly-backup" }
output "job_without_tenant" {
  value = provider::krony::parse_full_name("nightly-backup")
}
