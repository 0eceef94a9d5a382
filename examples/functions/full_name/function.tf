# acme--nightly-backup
output "job_of_a_tenant" {
  value = provider::krony::full_name("acme", "nightly-backup")
}

# nightly-backup
output "job_without_tenant" {
  value = provider::krony::full_name(null, "nightly-backup")
}
