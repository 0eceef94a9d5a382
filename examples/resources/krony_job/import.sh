# The id is the name of the job in dkron.
terraform import krony_job.backup nightly-backup
