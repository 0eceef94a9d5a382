# The id is the name of the job in dkron.
terraform import krony_job.backup nightly-backup

# A job of a tenant has two names there: both work.
terraform import krony_job.backup acme/nightly-backup
terraform import krony_job.backup acme--nightly-backup
