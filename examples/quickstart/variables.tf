variable "dkron_url" {
  description = "Where dkron answers, such as http://127.0.0.1:8080."
  type        = string
  nullable    = false
}

variable "receiver_url" {
  description = "Where the receiver answers that the jobs call."
  type        = string
  nullable    = false
}

variable "greeting" {
  description = "What the job `greet` says: the last part of the URL that it calls."
  type        = string
  default     = "hello"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+$", var.greeting))
    error_message = "A greeting is one word in lower-case letters."
  }
}

variable "owner" {
  description = "Who answers for the jobs."
  type        = string
  default     = "platform-team"
  nullable    = false
}
