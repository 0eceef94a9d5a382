terraform {
  required_providers {
    krony = {
      source = "krony-cloud/krony"
    }
  }
}

# The credentials come from the environment, KRONY_USERNAME and KRONY_PASSWORD: they then stand in no file.
provider "krony" {
  endpoint = "https://dkron.example.com"
}
